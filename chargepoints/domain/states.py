"""States of stations, connectors and commands, and which may follow which."""

from enum import StrEnum

from csms.common.transitions import TransitionTable


class RegistrationStatus(StrEnum):
    """OCPP's answer to a boot; kept, because a charger may go on without a new boot."""

    ACCEPTED = "Accepted"
    PENDING = "Pending"
    REJECTED = "Rejected"


class ConnectorStatus(StrEnum):
    """OCPP 1.6's nine states plus 2.x's Occupied and our Unknown before the first report."""

    UNKNOWN = "Unknown"
    AVAILABLE = "Available"
    PREPARING = "Preparing"
    CHARGING = "Charging"
    SUSPENDED_EV = "SuspendedEV"
    SUSPENDED_EVSE = "SuspendedEVSE"
    FINISHING = "Finishing"
    OCCUPIED = "Occupied"
    RESERVED = "Reserved"
    UNAVAILABLE = "Unavailable"
    FAULTED = "Faulted"


class CommandStatus(StrEnum):
    QUEUED = "QUEUED"
    SENT = "SENT"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"


# TIMED_OUT means "outcome unknown": an answer that comes late settles it.
COMMAND_TRANSITIONS: TransitionTable[CommandStatus] = TransitionTable(
    "command",
    {
        CommandStatus.QUEUED: frozenset(
            {
                CommandStatus.SENT,
                CommandStatus.FAILED,
                CommandStatus.EXPIRED,
                CommandStatus.CANCELLED,
            }
        ),
        CommandStatus.SENT: frozenset(
            {
                CommandStatus.ACCEPTED,
                CommandStatus.REJECTED,
                CommandStatus.FAILED,
                CommandStatus.TIMED_OUT,
            }
        ),
        CommandStatus.TIMED_OUT: frozenset(
            {CommandStatus.ACCEPTED, CommandStatus.REJECTED, CommandStatus.FAILED}
        ),
        CommandStatus.ACCEPTED: frozenset(),
        CommandStatus.REJECTED: frozenset(),
        CommandStatus.FAILED: frozenset(),
        CommandStatus.EXPIRED: frozenset(),
        CommandStatus.CANCELLED: frozenset(),
    },
)
# What a caller waits for: nothing more is expected, though a TIMED_OUT may still be settled.
SETTLED_COMMAND_STATUSES = frozenset(CommandStatus) - {CommandStatus.QUEUED, CommandStatus.SENT}


class ProfileState(StrEnum):
    """Of a charging profile. REQUESTED: the charger was asked, or its answer is not known."""

    REQUESTED = "REQUESTED"
    ACTIVE = "ACTIVE"
    REPLACED = "REPLACED"
    CLEARED = "CLEARED"
    REJECTED = "REJECTED"
    FAILED = "FAILED"
