"""OCA test cases of the core profile that the charge point begins: boots and sessions."""

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.domain.states import IdTokenStatus
from chargepoints.models import ConnectorStatusEvent, Station
from csms.common import clock
from ocpp_gateway.models import Message
from ocpp_gateway.versions.timestamps import wire_time
from tests.ocpp_gateway.contract import CARD, Bench
from tests.ocpp_gateway.servers import GatewayServer, charger, until
from tests.support.factories import make_id_token
from transactions.domain.states import SessionState
from transactions.models import ReviewItem, Session


def session_of(transaction: int) -> Session:
    return Session.objects.get(pk=transaction)


def test_TC_001_cold_boot_charge_point(server: GatewayServer, station: Station) -> None:
    with charger(server, station) as socket:
        bench = Bench(socket, station)
        bench.boots()
        assert bench.says("Heartbeat")["currentTime"].endswith("Z")
    assert ConnectorStatusEvent.objects.filter(status="Available").count() == 3
    station.refresh_from_db()
    assert (station.registration_status, station.status) == ("Accepted", "Available")
    assert {bench.connector(number).status for number in (1, 2)} == {"Available"}


def test_TC_003_regular_charging_session_plugin_first(bench: Bench) -> None:
    bench.reports("Preparing")
    assert bench.authorizes() == "Accepted"
    started = bench.starts(meter=1_000)
    assert started["idTagInfo"]["status"] == "Accepted"
    bench.reports("Charging")
    session = session_of(started["transactionId"])
    assert (session.state, session.authorization) == (SessionState.ACTIVE, "Accepted")
    assert (session.meter_start_wh, session.id_token_value) == (1_000, CARD)
    assert session.connector == bench.connector()
    assert bench.connector().status == "Charging"


def test_TC_004_1_regular_charging_session_identification_first(bench: Bench) -> None:
    transaction = bench.charges()
    assert session_of(transaction).state == SessionState.ACTIVE
    told = ConnectorStatusEvent.objects.order_by("pk").values_list("status", flat=True)
    assert list(told) == ["Preparing", "Charging"]


def test_TC_004_2_identification_first_connection_time_out(bench: Bench) -> None:
    assert bench.authorizes() == "Accepted"
    bench.reports("Preparing")
    bench.reports("Available")
    assert bench.connector().status == "Available"
    assert not Session.objects.exists()


def test_TC_005_1_ev_side_disconnected(bench: Bench) -> None:
    transaction = bench.charges()
    bench.reports("SuspendedEV")
    stopped = bench.stops(transaction, 420, "EVDisconnected", idTag=CARD)
    assert stopped["idTagInfo"]["status"] == "Accepted"
    bench.reports("Finishing")
    bench.reports("Available")
    session = session_of(transaction)
    assert (session.state, session.end_reason) == (SessionState.ENDED, "EVDisconnected")
    assert (session.energy_wh, session.is_held) == (420, False)
    assert session.unplugged_at is not None


def test_TC_007_regular_start_charging_session_cached_id(bench: Bench) -> None:
    bench.reports("Preparing")
    started = bench.starts()
    assert started["idTagInfo"]["status"] == "Accepted"
    bench.reports("Charging")
    assert session_of(started["transactionId"]).authorization == "Accepted"


def test_TC_023_1_authorize_invalid(bench: Bench) -> None:
    assert bench.says("Authorize", idTag="NOBODY") == {"idTagInfo": {"status": "Invalid"}}
    assert not Session.objects.exists()


def test_TC_023_2_authorize_expired(bench: Bench) -> None:
    expired_at = clock.now() - timedelta(days=1)
    make_id_token("OLD", expires_at=expired_at)
    info = bench.says("Authorize", idTag="OLD")["idTagInfo"]
    assert info == {"status": "Expired", "expiryDate": wire_time(expired_at)}


def test_TC_023_3_authorize_blocked(bench: Bench) -> None:
    make_id_token("BAD", status=IdTokenStatus.BLOCKED.value)
    assert bench.authorizes("BAD") == "Blocked"


def test_TC_024_lock_failure(bench: Bench) -> None:
    assert bench.authorizes() == "Accepted"
    bench.reports("Preparing")
    bench.reports("Faulted", error="ConnectorLockFailure")
    connector = bench.connector()
    assert (connector.status, connector.error_code) == ("Faulted", "ConnectorLockFailure")
    assert not Session.objects.exists()


def test_TC_032_1_power_failure_boot_stop_transactions(
    server: GatewayServer, bench: Bench, station: Station
) -> None:
    transaction = bench.charges()
    bench.charger.connection.close()
    with charger(server, station) as socket:
        again = Bench(socket, station)
        again.boots()
        assert session_of(transaction).state == SessionState.INTERRUPTED
        again.reports("Finishing")
        again.stops(transaction, 900, "PowerLoss")
    session = session_of(transaction)
    assert (session.state, session.end_reason) == (SessionState.ENDED, "PowerLoss")
    assert (session.energy_wh, session.is_held) == (900, False)


def test_TC_037_1_offline_start_transaction_valid_id_tag(
    server: GatewayServer, bench: Bench, station: Station
) -> None:
    bench.charger.connection.close()
    began = clock.now().replace(microsecond=0) - timedelta(minutes=20)
    with charger(server, station) as socket:
        again = Bench(socket, station)
        started = again.starts(timestamp=wire_time(began))
        assert started["idTagInfo"]["status"] == "Accepted"
        again.reports("Charging")
    session = session_of(started["transactionId"])
    assert (session.state, session.started_at) == (SessionState.ACTIVE, began)


def test_TC_037_3_offline_start_transaction_invalid_id_tag(
    server: GatewayServer, bench: Bench, station: Station
) -> None:
    bench.charger.connection.close()
    with charger(server, station) as socket:
        again = Bench(socket, station)
        started = again.starts("NOBODY", timestamp=wire_time(clock.now() - timedelta(minutes=20)))
        assert started["idTagInfo"]["status"] == "Invalid"
        again.reports("Charging")
        again.stops(started["transactionId"], 300, "DeAuthorized")
        again.reports("Finishing")
    session = session_of(started["transactionId"])
    assert (session.state, session.authorization) == (SessionState.ENDED, "Invalid")
    assert (session.energy_wh, session.end_reason) == (300, "DeAuthorized")
    assert ReviewItem.objects.get().kind == ReviewItem.Kind.UNAUTHORIZED


def test_TC_039_offline_transaction(server: GatewayServer, bench: Bench, station: Station) -> None:
    bench.charger.connection.close()
    began = clock.now().replace(microsecond=0) - timedelta(hours=2)
    ended = began + timedelta(hours=1)
    with charger(server, station) as socket:
        again = Bench(socket, station)
        started = again.starts(meter=5_000, timestamp=wire_time(began))
        assert started["idTagInfo"]["status"] == "Accepted"
        stop = {"idTag": CARD, "timestamp": wire_time(ended)}
        again.stops(started["transactionId"], 12_500, "Local", **stop)
    session = session_of(started["transactionId"])
    assert (session.started_at, session.ended_at) == (began, ended)
    assert (session.state, session.energy_wh) == (SessionState.ENDED, 7_500)
    assert session.total_gross == Decimal("56.25")
    assert not ReviewItem.objects.exists()


@pytest.mark.parametrize("message", [{}, {"messageId": "Greeting", "data": "hello"}])
def test_TC_064_data_transfer_to_a_central_system(bench: Bench, message: dict[str, str]) -> None:
    answer = bench.says("DataTransfer", vendorId="com.example.unknown", **message)
    assert answer == {"status": "UnknownVendorId"}
    until(lambda: Message.objects.filter(action="DataTransfer").count() == 2)
