"""How a charger deviates from OCPP, and which profile of deviations a charger has.

A profile names the chargers it is for by patterns for vendor, model and firmware: `*` for any
letters, `?` for one, in any case; an empty pattern is for anything.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

# OCPP 1.6 §6.7: the longest value that ChangeConfiguration may carry.
LONGEST_CONFIGURATION_VALUE = 500


class RegisterKind(StrEnum):
    """What the energy register counts. UNKNOWN: what it does in a session tells."""

    UNKNOWN = "unknown"
    LIFETIME = "lifetime"
    PER_SESSION = "per_session"


class ConnectorRule(StrEnum):
    """Whether a remote start may name its connector."""

    OPTIONAL = "optional"
    REQUIRED = "required"
    REFUSED = "refused"


class Strictness(StrEnum):
    """LENIENT: what can be understood is accepted. STRICT: only what would be repeated for ever."""

    LENIENT = "lenient"
    STRICT = "strict"


@dataclass(frozen=True, slots=True)
class Quirks:
    """The deviations of one charger. `clock_zone`: the zone of the local time that it sends as UTC.

    A charger without a profile has none of this: its code path is not taken.
    """

    default_subprotocol: str = ""
    answers_no_pings: bool = False
    strictness: Strictness = Strictness.LENIENT
    register_kind: RegisterKind = RegisterKind.UNKNOWN
    clock_zone: ZoneInfo | None = None
    is_available_before_stop: bool = False
    start_connector: ConnectorRule = ConnectorRule.OPTIONAL
    needs_trigger_connector: bool = False
    longest_configuration_value: int = LONGEST_CONFIGURATION_VALUE

    def clock_ahead(self, said: datetime) -> timedelta:
        """By how much the charger's clock is ahead when it says `said`, which it means as local.

        Nothing where that is no time that can be.
        """
        if self.clock_zone is None:
            return timedelta(0)
        try:
            meant = said.astimezone(UTC).replace(tzinfo=self.clock_zone)
            return said - meant.astimezone(UTC)
        except OverflowError:
            return timedelta(0)


@dataclass(frozen=True, slots=True)
class Device:
    """What a charger reports of itself, unchanged."""

    vendor: str
    model: str
    firmware: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """Which chargers a profile is for; of none if all three are empty."""

    profile_id: int
    vendor: str
    model: str
    firmware: str

    def matches(self, device: Device) -> bool:
        pairs = (
            (self.vendor, device.vendor),
            (self.model, device.model),
            (self.firmware, device.firmware),
        )
        given = [(pattern, value) for pattern, value in pairs if pattern]
        return bool(given) and all(_fits(value, pattern) for pattern, value in given)

    @property
    def rank(self) -> tuple[int, int, int]:
        """The more fields and the more letters it names, the more specific; then the older one."""
        texts = (self.vendor, self.model, self.firmware)
        letters = sum(len(text) - text.count("*") - text.count("?") for text in texts)
        return sum(map(bool, texts)), letters, -self.profile_id


def _fits(value: str, pattern: str) -> bool:
    # Only the two signs: vendors write brackets and mean them.
    signs = pattern.strip().lower().replace("[", "[[]")
    return fnmatchcase(value.strip().lower(), signs)


def best_match(patterns: Iterable[Pattern], device: Device) -> int | None:
    """The profile whose pattern fits the device and is the most specific; None if none fits."""
    fitting = [pattern for pattern in patterns if pattern.matches(device)]
    return max(fitting, key=lambda pattern: pattern.rank).profile_id if fitting else None
