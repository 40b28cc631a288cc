"""What a boot, a repeated card or a late message means for a session that runs."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import Command, Station, StationAnomaly
from chargepoints.services import commands
from ocpp_gateway.services.sending import GATEWAY
from tests.ocpp_gateway.servers import Charger, GatewayServer, charger, until
from tests.support.factories import make_id_token
from transactions.models import Reading, Session, SessionEvent
from transactions.selectors.sessions import summary
from transactions.services import interrupt


def at(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def now() -> datetime:
    return datetime.now(UTC)


def measure(socket: Charger, energy: int, transaction: int | None = None, **fields: Any) -> None:
    moment = fields.get("moment") or now()
    values = [{"timestamp": at(moment), "sampledValue": [{"value": str(energy)}]}]
    named = {} if transaction is None else {"transactionId": transaction}
    assert socket.call("MeterValues", {"connectorId": 1, "meterValue": values, **named}) == {}


def state_of(transaction: int) -> str:
    return Session.objects.get(pk=transaction).state


@pytest.mark.parametrize("is_named", [True, False])
def test_case_52_a_boot_interrupts_and_a_new_reading_resumes_at_once(
    server: GatewayServer, station: Station, is_named: bool
) -> None:
    with charger(server, station) as socket:
        socket.boot()
        transaction = socket.start(meter=0)["transactionId"]
        measure(socket, 100, transaction)
    with charger(server, station) as socket:
        socket.boot()
        assert state_of(transaction) == "INTERRUPTED"
        named = transaction if is_named else None
        # Kept from before the power cut: no sign of life.
        measure(socket, 150, named, moment=now() - timedelta(minutes=5))
        assert state_of(transaction) == "INTERRUPTED"
        assert interrupt.settle_interrupted(now()) == 0
        measure(socket, 200, named)
        assert state_of(transaction) == "ACTIVE"
        socket.stop(transaction, 300)
    session = Session.objects.get()
    assert (session.state, session.energy_wh) == ("ENDED", 300)
    kinds = SessionEvent.objects.order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["started", "interrupted", "resumed", "ended"]


def test_case_52_silence_ends_it_with_its_last_reading_and_a_late_stop_corrects_that(
    server: GatewayServer, station: Station
) -> None:
    began = now() - timedelta(hours=2)
    with charger(server, station) as socket:
        socket.boot()
        transaction = socket.start(meter=0, timestamp=at(began))["transactionId"]
        measure(socket, 4_000, transaction, moment=began + timedelta(hours=1))
    with charger(server, station) as socket:
        socket.boot()
        assert interrupt.settle_interrupted(now() + interrupt.GRACE) == 1
        ended = Session.objects.get()
        assert (ended.state, ended.end_reason) == ("ENDED", "Interrupted")
        assert (ended.ended_at, ended.energy_wh) == (began + timedelta(hours=1), 4_000)
        # What the charger had kept through the power cut comes at last.
        lost = began + timedelta(minutes=65)
        socket.stop(transaction, 4_500, timestamp=at(lost), reason="PowerLoss")
    session = Session.objects.get()
    assert (session.state, session.end_reason) == ("ENDED", "PowerLoss")
    assert (session.ended_at, session.energy_wh, session.is_held) == (lost, 4_500, False)


def test_a_boot_that_we_asked_for_interrupts_nothing(
    server: GatewayServer, station: Station, settings: Any
) -> None:
    with charger(server, station) as socket:
        socket.boot()
        transaction = socket.start(meter=0)["transactionId"]
    settings.OCPP_BOOT_GRACE_SECONDS = 0
    with charger(server, station) as socket:
        asked = socket.receive()
        assert asked[2:] == ["TriggerMessage", {"requestedMessage": "BootNotification"}]
        socket.send([3, asked[1], {"status": "Accepted"}])
        socket.boot()
        assert state_of(transaction) == "ACTIVE"
        # The next one comes by itself.
        socket.boot()
        assert state_of(transaction) == "INTERRUPTED"


@pytest.mark.parametrize("answer", [None, "Rejected", "NotImplemented"])
def test_a_boot_that_did_not_wait_for_our_request_is_the_chargers_own(
    server: GatewayServer, station: Station, settings: Any, answer: str | None
) -> None:
    with charger(server, station) as socket:
        socket.boot()
        transaction = socket.start(meter=0)["transactionId"]
    settings.OCPP_BOOT_GRACE_SECONDS = 0
    with charger(server, station) as socket:
        asked = socket.receive()
        assert asked[2] == "TriggerMessage"
        if answer is not None:
            socket.send([3, asked[1], {"status": answer}])
        socket.boot()
        assert state_of(transaction) == "INTERRUPTED"


def test_authorizing_a_card_that_charges_is_accepted_but_not_a_second_start(
    socket: Charger, station: Station
) -> None:
    make_id_token("CARD")
    socket.start("CARD")
    # Without it the driver could not end the own session.
    assert socket.call("Authorize", {"idTag": "CARD"})["idTagInfo"]["status"] == "Accepted"
    second = socket.start("CARD", connectorId=2)
    assert second["idTagInfo"]["status"] == "ConcurrentTx"


def test_case_55_readings_after_the_end_change_nothing_that_is_priced(
    socket: Charger, station: Station
) -> None:
    began = now() - timedelta(hours=1)
    transaction = socket.start(meter=0, timestamp=at(began))["transactionId"]
    socket.stop(transaction, 5_000, timestamp=at(began + timedelta(minutes=30)))
    measure(socket, 2_000, transaction, moment=began + timedelta(minutes=10))
    measure(socket, 9_000, transaction, moment=began + timedelta(minutes=50))
    measure(socket, 9_000, 999_999)
    session = Session.objects.get(pk=transaction)
    assert (session.state, session.energy_wh) == ("ENDED", 5_000)
    # All are kept; the curve ends with the session.
    assert Reading.objects.filter(station_id=station.pk).count() == 3
    assert [point.energy_wh for point in summary(session, now()).curve] == [2_000]


def test_what_is_odd_in_an_answer_is_counted(
    socket: Charger, station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocpp_gateway.services.leases.NODE_HEARTBEAT", timedelta(0))
    command = commands.request(station, "get_configuration", {}, actor=GATEWAY)
    asked = socket.receive()
    known = [{"key": "HeartbeatInterval", "readonly": False, "value": "60", "vendorHint": "x"}]
    socket.send([3, asked[1], {"configurationKey": known}])
    until(lambda: StationAnomaly.objects.filter(station=station).exists())
    until(lambda: Command.objects.get(pk=command.pk).status == "ACCEPTED")
