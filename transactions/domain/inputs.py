"""What a charger says about charging sessions, independent of its OCPP version.

Energy in Wh, power in W, current in A, voltage in V, state of charge in per cent. `received_at` is
ours, `measured_at`, `started_at` and `ended_at` are the charger's own times, corrected by nothing.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class ReadingInput:
    """All values sampled at one moment. `energy_wh`: import register; `extra`: the rest, raw."""

    measured_at: datetime
    energy_wh: int | None = None
    power_w: int | None = None
    soc_percent: Decimal | None = None
    current_a: Decimal | None = None
    voltage_v: Decimal | None = None
    context: str = ""
    extra: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SessionStart:
    """StartTransaction, or TransactionEvent(Started); `transaction_id` if the charger makes it."""

    received_at: datetime
    evse_id: int
    connector_id: int
    id_token: str
    started_at: datetime
    meter_start_wh: int
    transaction_id: str = ""
    reservation_id: int | None = None
    # False: the charger's clock cannot be right (or it sent no time), so our time counts.
    is_time_plausible: bool = True


@dataclass(frozen=True, slots=True)
class SessionStop:
    """StopTransaction, or TransactionEvent(Ended)."""

    received_at: datetime
    transaction_id: str
    ended_at: datetime
    meter_stop_wh: int | None
    reason: str = ""
    id_token: str = ""
    readings: tuple[ReadingInput, ...] = ()
    raw: dict[str, Any] = field(default_factory=dict)
    is_time_plausible: bool = True


@dataclass(frozen=True, slots=True)
class Readings:
    """MeterValues of one connector (`evse_id` 0: the station's own meter)."""

    received_at: datetime
    evse_id: int
    connector_id: int
    transaction_id: str
    readings: tuple[ReadingInput, ...]
