"""Who people are and what an id token is worth, as values."""

from enum import StrEnum


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
