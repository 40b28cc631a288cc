"""Short ways to say what a charger reports in these tests."""

from datetime import UTC, datetime, timedelta
from typing import Any

from chargepoints.models import Station
from csms.common.clock import BANGKOK
from transactions.domain.inputs import ReadingInput, SessionStart, SessionStop
from transactions.models import Session
from transactions.services.readings import reading_rows, store_readings
from transactions.services.starts import StartAnswer, start_session
from transactions.services.stops import StopAnswer, stop_session

# A Wednesday, 20:00 in Bangkok.
EVENING = datetime(2026, 11, 18, 20, 0, tzinfo=BANGKOK)


def bangkok(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=BANGKOK).astimezone(UTC)


def start_input(
    at: datetime = EVENING,
    *,
    token: str = "CARD1",
    meter: int = 1_000,
    evse_id: int = 1,
    received_at: datetime | None = None,
    **fields: Any,
) -> SessionStart:
    return SessionStart(
        received_at=received_at or at,
        evse_id=evse_id,
        connector_id=1,
        id_token=token,
        started_at=at,
        meter_start_wh=meter,
        **fields,
    )


def stop_input(
    transaction_id: int | str,
    at: datetime = EVENING + timedelta(hours=1),
    *,
    meter: int | None = 11_000,
    received_at: datetime | None = None,
    **fields: Any,
) -> SessionStop:
    return SessionStop(
        received_at=received_at or at,
        transaction_id=str(transaction_id),
        ended_at=at,
        meter_stop_wh=meter,
        **fields,
    )


def start(station: Station, at: datetime = EVENING, **fields: Any) -> StartAnswer:
    return start_session(station.pk, start_input(at, **fields))


def stop(
    station: Station,
    transaction_id: int | str,
    at: datetime = EVENING + timedelta(hours=1),
    **fields: Any,
) -> StopAnswer:
    return stop_session(station.pk, stop_input(transaction_id, at, **fields))


def report(session_id: int, *readings: tuple[datetime, int]) -> None:
    """Store readings of the session as the gateway does: received when they were measured."""
    session = Session.objects.get(pk=session_id)
    for at, energy_wh in readings:
        reading = ReadingInput(measured_at=at, energy_wh=energy_wh)
        store_readings(
            reading_rows(session.station_id, session.connector_id, session.pk, at, [reading])
        )
