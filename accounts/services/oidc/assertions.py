"""What a provider says, once we believe it."""

from dataclasses import dataclass
from datetime import datetime


class AssertionRefused(Exception):
    """The token is not one that we believe. `reason` is for the log, never for the caller."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a provider vouches for. `email` only if the provider says that it has verified it.

    `digest` names this very token, so that it can be used once.
    """

    provider: str
    subject: str
    digest: str
    expires_at: datetime
    email: str = ""
    display_name: str = ""
