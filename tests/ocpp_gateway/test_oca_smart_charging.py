"""OCA test cases of smart charging."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import ChargingProfile, CompositeSchedule
from csms.common import clock
from ocpp_gateway.versions.timestamps import wire_time
from tests.ocpp_gateway.contract import CARD, Bench
from tests.ocpp_gateway.test_v16_smart_charging import composite_of
from transactions.domain.states import SessionState
from transactions.models import Session

SIX_AMPERE = {"startPeriod": 0, "limit": 6.0, "numberPhases": 1}


@pytest.fixture
def now() -> datetime:
    return clock.now().replace(microsecond=0)


def limits(bench: Bench, **parameters: Any) -> dict[str, Any]:
    """Set a limit, and let the charge point tell that it does what it was told."""
    limit = {"limit": 6, "phases": 1, **parameters}
    sent = bench.does("set_charging_limit", "SetChargingProfile", **limit)
    bench.told("GetCompositeSchedule", composite_of(6.0))
    return sent


def states() -> list[str]:
    return list(ChargingProfile.objects.order_by("profile_id").values_list("state", flat=True))


def test_TC_056_central_smart_charging_tx_default_profile(bench: Bench, now: datetime) -> None:
    ends = now + timedelta(minutes=5)
    times = {"starts_at": now, "valid_from": now, "valid_to": ends}
    sent = limits(
        bench,
        connector_id=1,
        kind="absolute",
        stack_level=2,
        duration=300,
        **{name: moment.isoformat() for name, moment in times.items()},
    )
    assert sent == {
        "connectorId": 1,
        "csChargingProfiles": {
            "chargingProfileId": 1,
            "stackLevel": 2,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Absolute",
            "validFrom": wire_time(now),
            "validTo": wire_time(ends),
            "chargingSchedule": {
                "duration": 300,
                "startSchedule": wire_time(now),
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [SIX_AMPERE],
            },
        },
    }
    assert states() == ["ACTIVE"]


def test_TC_057_central_smart_charging_tx_profile(bench: Bench) -> None:
    transaction = bench.charges()
    sent = limits(bench, purpose="transaction", connector_id=1, transaction_id=transaction)
    assert sent == {
        "connectorId": 1,
        "csChargingProfiles": {
            "chargingProfileId": 1,
            "transactionId": transaction,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Relative",
            "chargingSchedule": {
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [SIX_AMPERE],
            },
        },
    }
    assert ChargingProfile.objects.get().transaction_id == transaction


def test_TC_059_remote_start_with_charging_profile(bench: Bench) -> None:
    profile = {
        "chargingProfileId": 7,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [SIX_AMPERE]},
    }
    start: dict[str, Any] = {"id_token": CARD, "connector_id": 1}
    wrongs: list[dict[str, Any]] = [
        {"chargingProfilePurpose": "TxDefaultProfile"},
        {"transactionId": 1},
    ]
    for wrong in wrongs:
        bench.is_refused("start_charging", charging_profile={**profile, **wrong}, **start)
    sent = bench.does("start_charging", "RemoteStartTransaction", charging_profile=profile, **start)
    assert sent == {"idTag": CARD, "connectorId": 1, "chargingProfile": profile}
    bench.charges(sent["idTag"])
    assert Session.objects.get().state == SessionState.ACTIVE


def test_TC_066_get_composite_schedule(bench: Bench) -> None:
    wanted: dict[str, Any] = {"connector_id": 1, "duration": 300, "unit": "W"}
    answer = composite_of(6_000.0, "W", duration=300)
    sent = bench.does("get_composite_schedule", "GetCompositeSchedule", answer, **wanted)
    assert sent == {"connectorId": 1, "duration": 300, "chargingRateUnit": "W"}
    schedule = CompositeSchedule.objects.get()
    assert (schedule.duration, schedule.unit, schedule.reported) == (300, "W", [[0, 60_000]])


def test_TC_067_clear_charging_profile(bench: Bench) -> None:
    transaction = bench.charges()
    level = {"stack_level": 1}
    profiles = [
        limits(bench, purpose="station_max", **level),
        limits(bench, connector_id=1, **level),
        limits(bench, purpose="transaction", connector_id=1, transaction_id=transaction, **level),
    ]
    assert [sent["connectorId"] for sent in profiles] == [0, 1, 1]
    first, *others = [sent["csChargingProfiles"]["chargingProfileId"] for sent in profiles]
    assert len({first, *others}) == 3

    def clears(**criteria: Any) -> dict[str, Any]:
        return bench.does("clear_charging_limit", "ClearChargingProfile", **criteria)

    assert clears(profile_id=first) == {"id": first}
    assert states() == ["CLEARED", "ACTIVE", "ACTIVE"]
    assert clears(connector_id=1, purpose="default", **level) == {
        "connectorId": 1,
        "chargingProfilePurpose": "TxDefaultProfile",
        "stackLevel": 1,
    }
    assert states() == ["CLEARED", "CLEARED", "ACTIVE"]
    assert clears() == {}
    assert states() == ["CLEARED"] * 3
