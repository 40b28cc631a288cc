"""What a charger says about charging sessions, independent of its OCPP version.

What comes ten thousand times a second is a NamedTuple: making one costs a third of a frozen
dataclass.

Energy in Wh, power in W, current in A, voltage in V, state of charge in per cent. `received_at` is
ours, `measured_at`, `started_at` and `ended_at` are the charger's own times. They are corrected
only where its quirk profile says how its clock is wrong: by `clock_ahead`, and with that added they
are what it sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from chargepoints.domain.quirks import RegisterKind

NOTHING = timedelta(0)


class ReadingInput(NamedTuple):
    """All values sampled at one moment. `energy_wh`: import register; `extra`: the rest, raw."""

    measured_at: datetime
    energy_wh: int | None = None
    power_w: int | None = None
    soc_percent: Decimal | None = None
    current_a: Decimal | None = None
    voltage_v: Decimal | None = None
    context: str = ""
    extra: Sequence[dict[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class SessionStart:
    """StartTransaction, or TransactionEvent(Started); `transaction_id` if the charger makes it.

    `evse_id` 0: it did not say where. `frame` is the text as it was sent.
    """

    received_at: datetime
    evse_id: int
    connector_id: int
    id_token: str
    started_at: datetime
    meter_start_wh: int | None
    transaction_id: str = ""
    reservation_id: int | None = None
    # False: it sent no time that can be read, and `started_at` is when we received it.
    has_time: bool = True
    frame: str = ""
    clock_ahead: timedelta = NOTHING
    register_kind: RegisterKind = RegisterKind.UNKNOWN

    @property
    def charger_started_at(self) -> datetime:
        return self.started_at + self.clock_ahead


@dataclass(frozen=True, slots=True)
class SessionStop:
    """StopTransaction, or TransactionEvent(Ended); `transaction_id` empty: none could be read.

    `frame` is the text as it was sent.
    """

    received_at: datetime
    transaction_id: str
    ended_at: datetime
    meter_stop_wh: int | None
    reason: str = ""
    id_token: str = ""
    readings: tuple[ReadingInput, ...] = ()
    has_time: bool = True
    frame: str = ""
    clock_ahead: timedelta = NOTHING
    # The charger says that the connector is free before it says that the session has ended.
    is_available_first: bool = False

    @property
    def charger_ended_at(self) -> datetime:
        return self.ended_at + self.clock_ahead


class Readings(NamedTuple):
    """MeterValues of one connector (`evse_id` 0: the station's own meter)."""

    received_at: datetime
    evse_id: int
    connector_id: int
    transaction_id: str
    readings: tuple[ReadingInput, ...]
