"""One charging session of a simulated charger: its clock, its car and what the meter shows."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from simulators.battery import Battery, volts_and_amperes


class SessionClock:
    """The time inside of an accelerated session, which ends at the real time.

    A session of 30 minutes that is shown in 30 seconds starts 29.5 minutes in the past and catches
    up, so that power, energy and times agree: the management system would rightly not believe
    50 kWh in half a minute. With `speed_up` 1 this is the real time.
    """

    def __init__(self, planned_seconds: float, speed_up: float) -> None:
        self.speed_up = speed_up
        self._monotonic_start = time.monotonic()
        lead = timedelta(seconds=planned_seconds - planned_seconds / speed_up)
        self.started_at = datetime.now(UTC) - lead

    def now(self) -> datetime:
        elapsed = (time.monotonic() - self._monotonic_start) * self.speed_up
        # Slower than planned (a reconnect, a busy machine) must not lead into the future.
        return min(self.started_at + timedelta(seconds=elapsed), datetime.now(UTC))


@dataclass
class ChargingSession:
    """A car at a connector. `stop` may be called from anywhere; the first reason counts."""

    id_token: str
    battery: Battery
    clock: SessionClock
    meter_start_wh: int
    transaction_id: int | None = None
    reason: str = ""
    delivered_wh: float = 0.0
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    last_at: datetime | None = None

    def stop(self, reason: str) -> None:
        if not self.stopping.is_set():
            self.reason = reason
            self.stopping.set()

    def advance(self) -> datetime:
        """Let the car charge up to the session's now, and return that moment."""
        now = self.clock.now()
        since = self.last_at or self.clock.started_at
        self.delivered_wh += self.battery.charge(max(0.0, (now - since).total_seconds()))
        self.last_at = now
        return now

    @property
    def meter_wh(self) -> int:
        return self.meter_start_wh + round(self.delivered_wh)

    def meter_value(self, at: datetime, *, is_dc: bool, context: str) -> dict[str, Any]:
        """What MeterValues reports of this moment."""
        power_w = self.battery.power_w
        volts, amperes = volts_and_amperes(power_w, self.battery.soc_percent, is_dc=is_dc)
        values = [
            ("Energy.Active.Import.Register", str(self.meter_wh), "Wh"),
            ("Power.Active.Import", f"{power_w:.0f}", "W"),
            ("Current.Import", f"{amperes:.1f}", "A"),
            ("Voltage", f"{volts:.1f}", "V"),
        ]
        if is_dc:
            values.append(("SoC", f"{self.battery.soc_percent:.1f}", "Percent"))
        return {
            "timestamp": ocpp_time(at),
            "sampledValue": [
                {"measurand": measurand, "value": value, "unit": unit, "context": context}
                for measurand, value, unit in values
            ],
        }


def ocpp_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
