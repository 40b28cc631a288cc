"""What happens at a connector: cars come, charge and go; now and then something breaks."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

from ocpp.v16 import call
from ocpp.v16.enums import AuthorizationStatus, ChargePointErrorCode, ChargePointStatus

from simulators.battery import arriving_car
from simulators.charger import Charger, SimulatedConnector
from simulators.session import ChargingSession, SessionClock, ocpp_time

FAULTS = (
    ChargePointErrorCode.ground_failure,
    ChargePointErrorCode.over_current_failure,
    ChargePointErrorCode.connector_lock_failure,
    ChargePointErrorCode.high_temperature,
)
ENDINGS = ("EVDisconnected", "Local", "Local", "Local")


@dataclass(frozen=True, slots=True)
class Habits:
    """How cars come to one connector. Seconds are real ones; probabilities per session."""

    tokens: tuple[str, ...]
    pause_seconds: tuple[float, float] = (3.0, 20.0)
    fault_probability: float = 0.05
    leave_early_probability: float = 0.15
    fault_seconds: float = 8.0
    max_sessions: int | None = None


async def serve_cars(charger: Charger, connector: SimulatedConnector, habits: Habits) -> None:
    """One car after the other, until `max_sessions` are done or for ever."""
    served = 0
    while habits.max_sessions is None or served < habits.max_sessions:
        await asyncio.sleep(charger.chance.uniform(*habits.pause_seconds))
        await charger.ready.wait()
        if connector.is_taken or not connector.is_operative:
            continue
        connector.is_taken = True
        token = charger.chance.choice(habits.tokens)
        await charge_a_car(charger, connector, token, habits, authorizes=True)
        served += 1


async def charge_a_car(
    charger: Charger,
    connector: SimulatedConnector,
    id_token: str,
    habits: Habits | None = None,
    *,
    authorizes: bool = False,
) -> None:
    """From plugging in to driving away. The connector must be marked as taken by the caller."""
    try:
        await charger.set_status(connector, ChargePointStatus.preparing)
        if authorizes and not await _is_authorized(charger, id_token):
            return
        await _charge(charger, connector, id_token, habits)
        if habits and charger.chance.random() < habits.fault_probability:
            fault = charger.chance.choice(FAULTS)
            await charger.set_status(connector, ChargePointStatus.faulted, fault)
            await asyncio.sleep(habits.fault_seconds)
    finally:
        connector.is_taken = False
    await charger.set_status(connector, charger.idle_status(connector))


async def _is_authorized(charger: Charger, id_token: str) -> bool:
    answer = await charger.send(call.Authorize(id_tag=id_token))
    if answer is None:
        return False
    return bool(answer.id_tag_info["status"] == AuthorizationStatus.accepted)


async def _charge(
    charger: Charger, connector: SimulatedConnector, id_token: str, habits: Habits | None
) -> None:
    hardware = charger.hardware
    battery = arriving_car(charger.chance, hardware.power_w, is_dc=hardware.is_dc)
    clock = SessionClock(battery.seconds_to_target(), charger.options.speed_up)
    session = ChargingSession(id_token, battery, clock, connector.meter_wh)
    connector.session = session
    try:
        started = await charger.deliver(
            call.StartTransaction(
                connector_id=connector.number,
                id_tag=id_token,
                meter_start=session.meter_start_wh,
                timestamp=ocpp_time(clock.started_at),
            )
        )
        if started is None:
            return
        session.transaction_id = started.transaction_id
        charger.counters.sessions_started += 1
        if started.id_tag_info["status"] != AuthorizationStatus.accepted:
            session.stop("DeAuthorized")
        await charger.set_status(connector, ChargePointStatus.charging)
        await _deliver_energy(charger, connector, session, habits)
        await _stop(charger, connector, session)
    finally:
        connector.meter_wh = session.meter_wh
        connector.session = None
        session.ended.set()


async def _deliver_energy(
    charger: Charger,
    connector: SimulatedConnector,
    session: ChargingSession,
    habits: Habits | None,
) -> None:
    leaves_at = session.battery.target_percent
    if habits and charger.chance.random() < habits.leave_early_probability:
        missing = leaves_at - session.battery.soc_percent
        leaves_at -= missing * charger.chance.uniform(0.2, 0.7)
    while not session.stopping.is_set():
        await _send_reading(charger, connector, session)
        try:
            async with asyncio.timeout(_interval(charger)):
                await session.stopping.wait()
        except TimeoutError:
            session.advance()
        if session.battery.is_done:
            session.stop("Local")
        elif session.battery.soc_percent >= leaves_at:
            session.stop(charger.chance.choice(ENDINGS))


def _interval(charger: Charger) -> float:
    configured = int(charger.configuration["MeterValueSampleInterval"])
    options = charger.options
    # The option may be a fraction of a second, which the configuration cannot say.
    unchanged = configured == max(1, round(options.meter_seconds))
    return options.meter_seconds if unchanged else float(max(1, configured))


async def _send_reading(
    charger: Charger, connector: SimulatedConnector, session: ChargingSession
) -> None:
    value = session.meter_value(
        session.advance(), is_dc=charger.hardware.is_dc, context="Sample.Periodic"
    )
    await charger.send(
        call.MeterValues(
            connector_id=connector.number,
            transaction_id=session.transaction_id,
            meter_value=[value],
        )
    )


async def _stop(charger: Charger, connector: SimulatedConnector, session: ChargingSession) -> None:
    ended_at = session.advance()
    final = session.meter_value(ended_at, is_dc=charger.hardware.is_dc, context="Transaction.End")
    await charger.deliver(
        call.StopTransaction(
            meter_stop=session.meter_wh,
            timestamp=ocpp_time(min(ended_at, datetime.now(UTC))),
            transaction_id=session.transaction_id or 0,
            reason=session.reason,
            id_tag=session.id_token if session.reason == "Local" else None,
            transaction_data=[final],
        )
    )
    charger.counters.sessions_completed += 1
    charger.counters.energy_wh += session.meter_wh - session.meter_start_wh
    await charger.set_status(connector, ChargePointStatus.finishing)
