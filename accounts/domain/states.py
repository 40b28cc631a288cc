"""Who people are and what an id token is worth, as values."""

from enum import StrEnum

from csms.common.transitions import TransitionTable


class Role(StrEnum):
    DRIVER = "DRIVER"
    STAFF = "STAFF"
    SUPERADMIN = "SUPERADMIN"


class IdTokenStatus(StrEnum):
    """Stored states; EXPIRED follows from `expires_at`, CONCURRENT_TX from open sessions."""

    ACCEPTED = "ACCEPTED"
    BLOCKED = "BLOCKED"


class Authorization(StrEnum):
    """OCPP's answer to an id token; 1.6 and 2.x share these names."""

    ACCEPTED = "Accepted"
    BLOCKED = "Blocked"
    EXPIRED = "Expired"
    INVALID = "Invalid"
    CONCURRENT_TX = "ConcurrentTx"


class Scope(StrEnum):
    """What an API key opens."""

    READ = "read"
    GATEWAY = "gateway"
    OPERATE = "operate"


class Purpose(StrEnum):
    """What a code is asked for."""

    REGISTER = "REGISTER"
    CHANGE_CONTACT = "CHANGE_CONTACT"
    RESET_PASSWORD = "RESET_PASSWORD"  # noqa: S105  (a name, no password)
    CLOSE_ACCOUNT = "CLOSE_ACCOUNT"


class MessageKind(StrEnum):
    """What a person is written. NOTHING goes nowhere: it costs the caller the same time."""

    CODE = "CODE"
    ACCOUNT_EXISTS = "ACCOUNT_EXISTS"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"  # noqa: S105
    CONTACT_CHANGED = "CONTACT_CHANGED"
    SIGN_IN_LINKED = "SIGN_IN_LINKED"
    SIGN_IN_UNLINKED = "SIGN_IN_UNLINKED"
    SIGN_IN_REUSED = "SIGN_IN_REUSED"
    SET_UP_LINK = "SET_UP_LINK"
    NOTHING = "NOTHING"


class EndReason(StrEnum):
    """Why a sign-in was ended before its time."""

    SIGNED_OUT = "SIGNED_OUT"
    REVOKED = "REVOKED"
    REUSED = "REUSED"
    TOO_MANY = "TOO_MANY"


class DataExportState(StrEnum):
    """REQUESTED waits, INFLIGHT is written, READY can be fetched, EXPIRED has lost its file.

    FAILED: given up after several tries; the person may ask again.
    """

    REQUESTED = "REQUESTED"
    INFLIGHT = "INFLIGHT"
    READY = "READY"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"


DATA_EXPORT_TRANSITIONS: TransitionTable[DataExportState] = TransitionTable(
    "data export",
    {
        DataExportState.REQUESTED: frozenset({DataExportState.INFLIGHT}),
        DataExportState.INFLIGHT: frozenset(
            {DataExportState.REQUESTED, DataExportState.READY, DataExportState.FAILED}
        ),
        DataExportState.READY: frozenset({DataExportState.EXPIRED}),
        DataExportState.FAILED: frozenset(),
        DataExportState.EXPIRED: frozenset(),
    },
)
OPEN_DATA_EXPORT_STATES = frozenset({DataExportState.REQUESTED, DataExportState.INFLIGHT})
