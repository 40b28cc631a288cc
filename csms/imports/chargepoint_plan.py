"""What an import of charge points is going to write."""

from dataclasses import dataclass, field
from typing import Any

from accounts.models import Operator
from chargepoints.models import Site, Station
from csms.imports.chargepoint_rows import ParsedRow
from transactions.models import Tariff


@dataclass(slots=True)
class StationPlan:
    """One row and its station. `changes`: of a station that was there before, for the audit."""

    row: ParsedRow
    station: Station
    tariff: Tariff | None
    is_new: bool
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def is_stricter(self) -> bool:
        """Whether who is connected was let in for what does not suffice any more."""
        before, after = self.changes.get("security_profile", (0, 0))
        return "password" in self.changes or after > before


@dataclass(slots=True)
class Plan:
    operators: list[Operator] = field(default_factory=list)
    sites: list[Site] = field(default_factory=list)
    moved_sites: list[Site] = field(default_factory=list)
    stations: list[StationPlan] = field(default_factory=list)
