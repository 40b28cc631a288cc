"""OCA test cases of the core profile that the central system begins."""

from typing import Any

from chargepoints.models import ConfigurationValue, Connector, Station
from tests.ocpp_gateway.contract import CARD, Bench
from tests.ocpp_gateway.servers import GatewayServer, charger
from transactions.domain.states import SessionState
from transactions.models import Session

UNLOCK = ("unlock", "UnlockConnector")
START: dict[str, Any] = {"id_token": CARD, "connector_id": 1}


def only_session() -> Session:
    return Session.objects.get()


# --- Remote start and stop ----------------------------------------------------------------------


def test_TC_010_remote_start_cable_plugged_in_first(bench: Bench) -> None:
    bench.reports("Preparing")
    sent = bench.does("start_charging", "RemoteStartTransaction", **START)
    assert sent == {"idTag": CARD, "connectorId": 1}
    assert bench.authorizes(sent["idTag"]) == "Accepted"
    assert bench.starts(sent["idTag"])["idTagInfo"]["status"] == "Accepted"
    bench.reports("Charging")
    assert only_session().state == SessionState.ACTIVE


def test_TC_011_1_remote_start_first(bench: Bench) -> None:
    sent = bench.does("start_charging", "RemoteStartTransaction", **START)
    assert sent == {"idTag": CARD, "connectorId": 1}
    assert bench.charges(sent["idTag"]) == only_session().pk
    assert only_session().state == SessionState.ACTIVE


def test_TC_011_2_remote_start_time_out(bench: Bench) -> None:
    bench.does("start_charging", "RemoteStartTransaction", **START)
    assert bench.authorizes() == "Accepted"
    bench.reports("Preparing")
    bench.reports("Available")
    assert bench.connector().status == "Available"
    assert not Session.objects.exists()


def test_TC_012_remote_stop_charging_session(bench: Bench) -> None:
    transaction = bench.charges()
    number = str(transaction)
    sent = bench.does("stop_charging", "RemoteStopTransaction", transaction_id=number)
    assert sent == {"transactionId": transaction}
    bench.stops(transaction, 600, "Remote")
    bench.reports("Finishing")
    bench.reports("Available")
    session = only_session()
    assert (session.state, session.end_reason) == (SessionState.ENDED, "Remote")
    assert session.energy_wh == 600


def test_TC_026_remote_start_rejected(bench: Bench) -> None:
    bench.does("start_charging", "RemoteStartTransaction", refusal="Rejected", **START)
    assert not Session.objects.exists()


def test_TC_028_remote_stop_rejected(bench: Bench) -> None:
    transaction = str(bench.charges())
    bench.does(
        "stop_charging", "RemoteStopTransaction", refusal="Rejected", transaction_id=transaction
    )
    assert only_session().state == SessionState.ACTIVE


# --- Resets -------------------------------------------------------------------------------------


def test_TC_013_hard_reset(server: GatewayServer, bench: Bench, station: Station) -> None:
    assert bench.does("reset", "Reset", type="hard") == {"type": "Hard"}
    bench.charger.connection.close()
    with charger(server, station) as socket:
        Bench(socket, station).boots()
        assert Station.objects.get(pk=station.pk).is_online


def test_TC_014_soft_reset(bench: Bench) -> None:
    assert bench.does("reset", "Reset", type="soft") == {"type": "Soft"}
    bench.boots()
    assert Station.objects.get(pk=bench.station.pk).is_online


# --- Unlocking ----------------------------------------------------------------------------------


def test_TC_017_1_unlock_no_session_not_fixed_cable(bench: Bench) -> None:
    assert bench.does(*UNLOCK, {"status": "Unlocked"}, connector_id=1) == {"connectorId": 1}


def test_TC_017_2_unlock_no_session_fixed_cable(bench: Bench) -> None:
    assert bench.does(*UNLOCK, refusal="NotSupported", connector_id=1) == {"connectorId": 1}


def test_TC_018_1_unlock_with_session(bench: Bench) -> None:
    transaction = bench.charges()
    bench.does(*UNLOCK, {"status": "Unlocked"}, connector_id=1)
    bench.reports("Finishing")
    bench.stops(transaction, 700, "UnlockCommand")
    bench.reports("Available")
    session = only_session()
    assert (session.state, session.end_reason) == (SessionState.ENDED, "UnlockCommand")
    assert session.energy_wh == 700


def test_TC_030_unlock_failure(bench: Bench) -> None:
    bench.does(*UNLOCK, refusal="UnlockFailed", connector_id=1)


def test_TC_031_unlock_unknown_connector(bench: Bench) -> None:
    assert bench.does(*UNLOCK, refusal="NotSupported", connector_id=9) == {"connectorId": 9}
    assert not Connector.objects.filter(evse__evse_id=9).exists()


# --- Configuration and cache --------------------------------------------------------------------


def known() -> dict[str, tuple[str, bool]]:
    rows = ConfigurationValue.objects.all()
    return {row.key: (row.value, row.is_readonly) for row in rows}


def test_TC_019_1_retrieve_all_configuration_keys(bench: Bench) -> None:
    values = [
        {"key": "HeartbeatInterval", "readonly": False, "value": "300"},
        {"key": "NumberOfConnectors", "readonly": True, "value": "2"},
    ]
    sent = bench.does("get_configuration", "GetConfiguration", {"configurationKey": values})
    assert sent == {}
    assert known() == {"HeartbeatInterval": ("300", False), "NumberOfConnectors": ("2", True)}


def test_TC_019_2_retrieve_specific_configuration_key(bench: Bench) -> None:
    key = "SupportedFeatureProfiles"
    values = {"configurationKey": [{"key": key, "readonly": True, "value": "Core,SmartCharging"}]}
    sent = bench.does("get_configuration", "GetConfiguration", values, keys=[key])
    assert sent == {"key": [key]}
    assert known() == {key: ("Core,SmartCharging", True)}


def test_TC_021_change_configuration(bench: Bench) -> None:
    change: dict[str, Any] = {"key": "MeterValueSampleInterval", "value": "60"}
    assert bench.does("set_configuration", "ChangeConfiguration", **change) == change
    assert known() == {"MeterValueSampleInterval": ("60", False)}


def test_TC_040_1_configuration_keys_not_supported(bench: Bench) -> None:
    change: dict[str, Any] = {"key": "NoSuchKey", "value": "1"}
    sent = bench.does("set_configuration", "ChangeConfiguration", refusal="NotSupported", **change)
    assert sent == change
    assert known() == {}


def test_TC_040_2_configuration_keys_invalid_value(bench: Bench) -> None:
    change: dict[str, Any] = {"key": "MeterValueSampleInterval", "value": "-1"}
    assert (
        bench.does("set_configuration", "ChangeConfiguration", refusal="Rejected", **change)
        == change
    )
    assert known() == {}


def test_TC_061_clear_authorization_cache(bench: Bench) -> None:
    assert bench.does("clear_cache", "ClearCache") == {}
