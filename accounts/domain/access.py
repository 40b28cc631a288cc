"""How people come in and how that ends, as values."""

from enum import StrEnum


class LoginChannel(StrEnum):
    """Where somebody tried to sign in: the first three are for staff, the others for drivers."""

    CONSOLE = "CONSOLE"
    PASSKEY = "PASSKEY"
    API = "API"
    APP = "APP"
    OIDC = "OIDC"


class LoginOutcome(StrEnum):
    """What became of it. The caller is told less than this."""

    SUCCEEDED = "SUCCEEDED"
    WRONG_CREDENTIALS = "WRONG_CREDENTIALS"
    WRONG_CODE = "WRONG_CODE"
    WRONG_PASSKEY = "WRONG_PASSKEY"
    NO_SECOND_FACTOR = "NO_SECOND_FACTOR"
    NOT_ALLOWED = "NOT_ALLOWED"
    NOT_VERIFIED = "NOT_VERIFIED"
    IDENTITY_REFUSED = "IDENTITY_REFUSED"
    LOCKED_OUT = "LOCKED_OUT"


class SignInMethod(StrEnum):
    """The two factors that opened a console session."""

    PASSWORD_AND_CODE = "PASSWORD_AND_CODE"  # noqa: S105
    PASSKEY = "PASSKEY"
    SET_UP_LINK = "SET_UP_LINK"


class SessionEnd(StrEnum):
    """Why a console session is over; one that was merely left alone has no reason."""

    SIGNED_OUT = "SIGNED_OUT"
    ENDED_BY_PERSON = "ENDED_BY_PERSON"
    TOO_MANY = "TOO_MANY"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"  # noqa: S105
    DEACTIVATED = "DEACTIVATED"
    SECOND_FACTOR_RENEWED = "SECOND_FACTOR_RENEWED"
