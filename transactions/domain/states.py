"""States of a charging session and which may follow which."""

from enum import StrEnum

from csms.common.transitions import TransitionTable


class SessionState(StrEnum):
    """PENDING: created by a driver. STARTING: the charger was asked. ACTIVE: the charger runs it.

    INTERRUPTED: the charger lost power or forgot it; closed after a grace time, continued or ended
    by a late message. ENDED is final but for late corrections, CANCELLED and FAILED are final.
    """

    PENDING = "PENDING"
    STARTING = "STARTING"
    ACTIVE = "ACTIVE"
    INTERRUPTED = "INTERRUPTED"
    ENDED = "ENDED"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"


SESSION_TRANSITIONS: TransitionTable[SessionState] = TransitionTable(
    "session",
    {
        SessionState.PENDING: frozenset(
            {SessionState.STARTING, SessionState.ACTIVE, SessionState.CANCELLED}
        ),
        SessionState.STARTING: frozenset(
            {SessionState.ACTIVE, SessionState.CANCELLED, SessionState.FAILED}
        ),
        SessionState.ACTIVE: frozenset({SessionState.INTERRUPTED, SessionState.ENDED}),
        SessionState.INTERRUPTED: frozenset({SessionState.ACTIVE, SessionState.ENDED}),
        SessionState.ENDED: frozenset(),
        SessionState.CANCELLED: frozenset(),
        SessionState.FAILED: frozenset(),
    },
)
OPEN_SESSION_STATES = frozenset({SessionState.ACTIVE, SessionState.INTERRUPTED})
# A driver has asked for these; the charger has not begun them.
AWAITED_SESSION_STATES = frozenset({SessionState.PENDING, SessionState.STARTING})
UNFINISHED_SESSION_STATES = OPEN_SESSION_STATES | AWAITED_SESSION_STATES


class EndReason(StrEnum):
    """Why a session ended: OCPP's reasons, and three of ours."""

    DE_AUTHORIZED = "DeAuthorized"
    EMERGENCY_STOP = "EmergencyStop"
    EV_DISCONNECTED = "EVDisconnected"
    HARD_RESET = "HardReset"
    LOCAL = "Local"
    OTHER = "Other"
    POWER_LOSS = "PowerLoss"
    REBOOT = "Reboot"
    REMOTE = "Remote"
    SOFT_RESET = "SoftReset"
    UNLOCK_COMMAND = "UnlockCommand"
    SUPERSEDED = "Superseded"
    INTERRUPTED = "Interrupted"
    MANUAL = "Manual"


class NeverStarted(StrEnum):
    """Why a session that a driver asked for never began; stands where an end's reason stands."""

    CANCELLED = "Cancelled"
    EXPIRED = "Expired"
    START_REJECTED = "StartRejected"
    START_FAILED = "StartFailed"
    CHARGER_UNREACHABLE = "ChargerUnreachable"
    NO_ANSWER = "NoAnswer"
    NOT_STARTED = "NotStarted"


# We closed these sessions by inference: the charger's own stop, however late, replaces our guess.
INFERRED_END_REASONS = frozenset({EndReason.SUPERSEDED, EndReason.INTERRUPTED})


class ReservationState(StrEnum):
    """REQUESTED: the charger was asked, or its answer is not known. ACTIVE: it holds the place.

    REJECTED: it would not. FAILED: it was never asked. USED: a session began with it.
    """

    REQUESTED = "REQUESTED"
    ACTIVE = "ACTIVE"
    USED = "USED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"
    FAILED = "FAILED"


OPEN_RESERVATION_STATES = frozenset({ReservationState.REQUESTED, ReservationState.ACTIVE})

RESERVATION_TRANSITIONS: TransitionTable[ReservationState] = TransitionTable(
    "reservation",
    {
        ReservationState.REQUESTED: frozenset(ReservationState) - {ReservationState.REQUESTED},
        ReservationState.ACTIVE: frozenset(
            {ReservationState.USED, ReservationState.CANCELLED, ReservationState.EXPIRED}
        ),
        # A start from a charger's offline queue tells late of what happened in time.
        ReservationState.EXPIRED: frozenset({ReservationState.USED}),
        ReservationState.CANCELLED: frozenset({ReservationState.USED}),
        ReservationState.USED: frozenset(),
        ReservationState.REJECTED: frozenset(),
        ReservationState.FAILED: frozenset(),
    },
)
