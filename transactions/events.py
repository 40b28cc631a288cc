"""What other apps may react to. The ids only: the row is the truth."""

from dataclasses import dataclass

from csms.common.events import Event


@dataclass(frozen=True, slots=True)
class SessionStarted(Event):
    session_id: int


@dataclass(frozen=True, slots=True)
class SessionEnded(Event):
    """Also published again when a late message or a review changed how it ended."""

    session_id: int


@dataclass(frozen=True, slots=True)
class SessionNeverStarted(Event):
    """A driver's session was closed before the charger began it: cancelled, expired or failed."""

    session_id: int


@dataclass(frozen=True, slots=True)
class SessionUnpriced(Event):
    """The session ended but its price could not be computed: `tasks.price_session` tries again."""

    session_id: int


@dataclass(frozen=True, slots=True)
class SessionPriceChanged(Event):
    """A price that was already published is another now (the car was unplugged later)."""

    session_id: int


@dataclass(frozen=True, slots=True)
class ReservationEnded(Event):
    """Used, cancelled, expired or refused: whoever made it wants to know."""

    reservation_id: int
