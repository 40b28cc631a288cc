"""What people are asked for, and which of it a service cannot do without."""

from enum import StrEnum


class Purpose(StrEnum):
    """TERMS and PRIVACY are read and accepted; the others are consents that are free to give."""

    TERMS = "TERMS"
    PRIVACY = "PRIVACY"
    MARKETING = "MARKETING"
    ANALYTICS = "ANALYTICS"
    LOCATION = "LOCATION"


class Decision(StrEnum):
    GIVEN = "GIVEN"
    WITHDRAWN = "WITHDRAWN"


class Channel(StrEnum):
    """How a decision reached us. DELETION: it ended with the account."""

    APP = "APP"
    WEB = "WEB"
    STAFF = "STAFF"
    DELETION = "DELETION"


# Withdrawing one of these means closing the account.
INDISPENSABLE = frozenset({Purpose.TERMS, Purpose.PRIVACY})
