"""Charging profiles over the wire: given, read back, compared, cleared."""

from datetime import timedelta
from typing import Any

import pytest

from chargepoints.domain.states import CommandStatus
from chargepoints.models import (
    ChargingProfile,
    Command,
    CompositeSchedule,
    ConfigurationValue,
    Station,
    StationAnomaly,
)
from csms.common import clock
from csms.common.errors import InvalidInput
from ocpp_gateway.versions.timestamps import wire_time
from tests.ocpp_gateway.servers import Charger, until
from tests.ocpp_gateway.test_outbox import becomes, request
from tests.support.factories import make_id_token
from transactions.services import limits


def answer(socket: Charger, action: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Answer our next request, which must be `action`, and return it."""
    ours = socket.receive()
    assert ours[2] == action, ours
    socket.send([3, ours[1], payload])
    sent: dict[str, Any] = ours[3]
    return sent


def composite_of(limit: float, unit: str = "A", **fields: Any) -> dict[str, Any]:
    period = {"startPeriod": 0, "limit": limit}
    schedule = {"chargingRateUnit": unit, "chargingSchedulePeriod": [period], "duration": 86_400}
    return {
        "status": "Accepted",
        "connectorId": 1,
        "scheduleStart": wire_time(clock.now()),
        "chargingSchedule": {**schedule, **fields},
    }


def states() -> dict[int, str]:
    return dict(ChargingProfile.objects.values_list("profile_id", "state"))


@pytest.mark.parametrize(("reported", "agrees"), [(16.1, True), (32.0, False)])
def test_case_78_a_limit_is_read_back_and_compared(
    socket: Charger, station: Station, reported: float, agrees: bool
) -> None:
    command = request(station, "set_charging_limit", connector_id=1, limit=16.1, phases=3)
    assert answer(socket, "SetChargingProfile", {"status": "Accepted"}) == {
        "connectorId": 1,
        "csChargingProfiles": {
            "chargingProfileId": 1,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Relative",
            "chargingSchedule": {
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.1, "numberPhases": 3}],
            },
        },
    }
    asked = answer(socket, "GetCompositeSchedule", composite_of(reported))
    assert asked == {"connectorId": 1, "duration": 86_400, "chargingRateUnit": "A"}
    schedule = until(CompositeSchedule.objects.first)
    assert (schedule.is_as_expected, schedule.expected) == (agrees, [[0, 161]])
    becomes(command, CommandStatus.ACCEPTED)
    assert states() == {1: "ACTIVE"}
    kinds = list(StationAnomaly.objects.values_list("kind", flat=True))
    assert kinds == ([] if agrees else ["composite_schedule_differs"])


def test_a_profile_of_the_same_level_replaces_the_older(socket: Charger, station: Station) -> None:
    start = (clock.now() + timedelta(hours=1)).isoformat()
    periods = [{"start": 0, "limit": "11000"}, {"start": 3600, "limit": 0}]
    for _time in range(2):
        request(
            station,
            "set_charging_limit",
            purpose="station_max",
            unit="W",
            periods=periods,
            kind="recurring",
            recurrence="weekly",
            starts_at=start,
            duration=7200,
        )
        profile = answer(socket, "SetChargingProfile", {"status": "Accepted"})
        answer(socket, "GetCompositeSchedule", {"status": "Rejected"})
    schedule = profile["csChargingProfiles"]["chargingSchedule"]
    assert schedule["chargingSchedulePeriod"] == [
        {"startPeriod": 0, "limit": 11_000.0},
        {"startPeriod": 3600, "limit": 0.0},
    ]
    assert schedule["startSchedule"].endswith("Z")
    assert profile["csChargingProfiles"]["recurrencyKind"] == "Weekly"
    assert profile["connectorId"] == 0
    assert states() == {1: "REPLACED", 2: "ACTIVE"}


def test_case_78_a_refused_limit_is_not_in_force(socket: Charger, station: Station) -> None:
    command = request(station, "set_charging_limit", connector_id=1, limit=0)
    answer(socket, "SetChargingProfile", {"status": "Rejected"})
    becomes(command, CommandStatus.REJECTED)
    assert states() == {1: "REJECTED"}


@pytest.mark.parametrize("status", ["Accepted", "Unknown"])
def test_clearing(socket: Charger, station: Station, status: str) -> None:
    for connector in (1, 2):
        request(station, "set_charging_limit", connector_id=connector, limit=16)
        answer(socket, "SetChargingProfile", {"status": "Accepted"})
        answer(socket, "GetCompositeSchedule", composite_of(16.0))
    clearing = request(station, "clear_charging_limit", evse_id=2, purpose="default")
    sent = answer(socket, "ClearChargingProfile", {"status": status})
    assert sent == {"connectorId": 2, "chargingProfilePurpose": "TxDefaultProfile"}
    until(lambda: states() == {1: "ACTIVE", 2: "CLEARED"})
    clearing.refresh_from_db()
    assert clearing.error == ("" if status == "Accepted" else "Unknown")


def test_a_limit_of_a_session_ends_with_it(socket: Charger, station: Station) -> None:
    make_id_token("CARD")
    session = socket.start("CARD")["transactionId"]
    request(
        station,
        "set_charging_limit",
        purpose="transaction",
        connector_id=1,
        transaction_id=session,
        limit=8,
    )
    sent = answer(socket, "SetChargingProfile", {"status": "Accepted"})
    assert sent["csChargingProfiles"]["transactionId"] == session
    answer(socket, "GetCompositeSchedule", composite_of(8.0))
    until(lambda: CompositeSchedule.objects.filter(is_as_expected=True).exists())
    assert limits.clear_ended(clock.now()) == 0
    socket.stop(session, 10)
    assert limits.clear_ended(clock.now()) == 1
    assert states() == {1: "CLEARED"}


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"limit": 16.15}, "limit"),
        ({}, "limit"),
        ({"limit": 1, "periods": [{"start": 0, "limit": 1}]}, "limit"),
        ({"periods": [{"start": 5, "limit": 1}]}, "periods"),
        ({"periods": [{"start": 0, "limit": 1}] * 2}, "periods"),
        ({"periods": [{"start": n, "limit": 1} for n in range(4)]}, "periods"),
        ({"limit": 1, "stack_level": 9}, "stack_level"),
        ({"limit": 1, "unit": "kW"}, "unit"),
        ({"limit": 1, "purpose": "station_max", "connector_id": 1}, "connector_id"),
        ({"limit": 1, "purpose": "station_max", "kind": "relative"}, "kind"),
        ({"limit": 1, "purpose": "transaction", "connector_id": 1}, "transaction_id"),
        ({"limit": 1, "valid_to": "2020-01-01T00:00:00Z"}, "valid_to"),
    ],
)
def test_case_78_what_a_charger_is_not_asked(
    station: Station, parameters: dict[str, Any], field: str
) -> None:
    for key, value in (("ChargeProfileMaxStackLevel", "8"), ("ChargingScheduleMaxPeriods", "3")):
        ConfigurationValue.objects.create(
            station=station, key=key, value=value, known_at=clock.now()
        )
    with pytest.raises(InvalidInput) as refusal:
        request(station, "set_charging_limit", **parameters)
    assert [error.field for error in refusal.value.errors] == [field]
    assert not Command.objects.exists()
