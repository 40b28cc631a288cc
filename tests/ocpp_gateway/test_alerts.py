"""What chargers do over the wire that somebody is told of."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.mail import EmailMessage
from websockets.exceptions import InvalidStatus

from chargepoints.models import Alert, Station
from ocpp_gateway import guessing
from ocpp_gateway.guessing import LONGEST_DELAY_SECONDS, GuessLimits
from tests.ocpp_gateway.servers import (
    Charger,
    GatewayServer,
    charger,
    start_of,
    timestamp,
    until,
)
from tests.support.factories import make_staff
from transactions.models import Session

BURST = 30
Kind = Alert.Kind


@pytest.fixture
def night_shift(station: Station) -> str:
    """Who is told."""
    user = make_staff("night@example.com", operators=[station.site.operator], language="en")
    return str(user.email)


def opened(station: Station, kind: Kind) -> Alert:
    """The station's only alert, as soon as somebody was told of it."""
    until(lambda: Alert.objects.filter(kind=kind, notified_at__isnull=False).exists())
    return Alert.objects.get(station=station)


def test_t21_a_wrong_password_beside_the_charger(
    server: GatewayServer,
    socket: Charger,
    station: Station,
    night_shift: str,
    mailoutbox: list[EmailMessage],
) -> None:
    for _time in range(12):  # the last two are beyond the limit and cost no write
        with (
            pytest.raises(InvalidStatus),
            charger(server, station, password="wrong-password-1234"),
        ):
            pass
    alert = opened(station, Kind.WRONG_CREDENTIALS)
    assert (alert.count, alert.severity) == (10, "WARNING")
    assert alert.detail == "wrong_password, 127.0.0.1"
    assert [mail.to for mail in mailoutbox] == [[night_shift]]
    assert socket.call("Heartbeat", {})["currentTime"]


def test_case_34_another_device_boots_under_the_identity(
    socket: Charger, station: Station, night_shift: str, mailoutbox: list[EmailMessage]
) -> None:
    socket.boot(chargePointSerialNumber="A-1001")
    assert not Alert.objects.exists()
    for serial_number in ("A-2002", "A-1001"):
        socket.boot(chargePointSerialNumber=serial_number)
    alert = opened(station, Kind.ANOTHER_DEVICE)
    assert (alert.count, alert.severity) == (2, "CRITICAL")
    assert alert.detail == "serial_number: A-2002 → A-1001"
    assert len(mailoutbox) == 1
    assert "A-2002" not in mailoutbox[0].body


def test_a_critical_security_event(
    socket: Charger, station: Station, night_shift: str, mailoutbox: list[EmailMessage]
) -> None:
    def happens(kind: str) -> None:
        report = {"type": kind, "timestamp": timestamp(), "techInfo": "door\x00 open"}
        assert socket.call("SecurityEventNotification", report) == {}

    happens("FirmwareUpdated")
    assert not Alert.objects.exists()
    happens("TamperDetectionActivated")
    alert = opened(station, Kind.CRITICAL_SECURITY_EVENT)
    assert (alert.count, alert.severity) == (1, "CRITICAL")
    assert alert.detail == "TamperDetectionActivated: door open"
    assert len(mailoutbox) == 1


@pytest.fixture
def slow_refill(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is, thirty cards are shown at once."""
    settings.OCPP_REFUSED_CARDS_BURST = BURST
    monkeypatch.setattr(guessing, "PER_SECOND", 0.01)


@pytest.mark.usefixtures("slow_refill")
def test_t38_one_card_after_the_other(socket: Charger, station: Station, night_shift: str) -> None:
    for number in range(BURST):
        answer = socket.call("Authorize", {"idTag": f"GUESS{number}"})
        assert answer["idTagInfo"]["status"] == "Invalid"
    alert = opened(station, Kind.MANY_UNKNOWN_TOKENS)
    assert (alert.count, alert.severity) == (1, "WARNING")


def _authorizes(socket: Charger, token: str) -> Any:
    return socket.call("Authorize", {"idTag": token})


def _starts(socket: Charger, token: str) -> Any:
    return socket.start(token, timestamp=timestamp())


def _stops(socket: Charger, token: str) -> Any:
    return socket.stop(999, 5000, idTag=token)


@pytest.mark.usefixtures("slow_refill")
@pytest.mark.parametrize("tries", [_authorizes, _starts, _stops])
def test_t38_a_new_socket_brings_no_new_tries(
    server: GatewayServer, station: Station, night_shift: str, tries: Callable[[Charger, str], Any]
) -> None:
    for round_number in range(3):
        with charger(server, station) as socket:
            socket.boot()
            for number in range(BURST // 3):
                answer = tries(socket, f"GUESS{round_number}-{number}")
                assert answer["idTagInfo"]["status"] == "Invalid"
    until(lambda: Alert.objects.filter(kind=Kind.MANY_UNKNOWN_TOKENS).exists())
    assert Alert.objects.get(kind=Kind.MANY_UNKNOWN_TOKENS).count == 1


@pytest.fixture
def no_card_is_free(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.OCPP_REFUSED_CARDS_BURST = 0
    monkeypatch.setattr(guessing, "PER_SECOND", 0.01)
    monkeypatch.setattr(guessing, "LONGEST_DELAY_SECONDS", 3600.0)


@pytest.mark.usefixtures("no_card_is_free")
def test_t38_the_session_of_a_refused_card_is_stored_before_its_answer_waits(
    socket: Charger, station: Station
) -> None:
    socket.send([2, "last", "StartTransaction", start_of("GUESS", 1000)])
    until(lambda: Session.objects.filter(station=station, meter_start_wh=1000).exists())
    with pytest.raises(TimeoutError):
        socket.receive(0.5)


def test_guesses_cost_time_from_the_thirtieth_on_and_only_their_own_station() -> None:
    limits = GuessLimits(BURST)
    free = [limits.count(1, 100.0) for _card in range(BURST)]
    assert [guess.is_limited for guess in free] == [False] * 29 + [True]
    assert not any(guess.delay for guess in free)
    assert limits.count(1, 100.0) == (2.0, True)
    assert limits.count(2, 100.0) == (0.0, False)
    # One every two seconds is let through at once, and is told of.
    assert [limits.count(1, 104.0 + 2 * n) for n in range(3)] == [(0.0, True)] * 3
    for _card in range(100):  # gone before its answer: its next one must not wait for ever
        last = limits.count(1, 108.0)
    assert last == (LONGEST_DELAY_SECONDS, True)


def test_guesses_of_idle_stations_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = GuessLimits(BURST)
    for station_id in range(3):
        limits.count(station_id, 100.0)
    limits.count(0, 101.0)
    limits.count(3, 102.0)  # 1 and 2 count as much as none by now
    assert len(limits) == 2
    monkeypatch.setattr(guessing, "MOST_STATIONS", 2)
    limits.count(4, 102.0)
    assert len(limits) == 2


def test_t27_a_stop_of_nothing(
    socket: Charger, station: Station, night_shift: str, mailoutbox: list[EmailMessage]
) -> None:
    at = timestamp()
    for _time in range(3):  # a charger that repeats itself adds nothing
        socket.stop(999, 5000, timestamp=at)
    alert = opened(station, Kind.ODD_STOP)
    assert (alert.count, alert.severity) == (1, "WARNING")
    assert alert.detail == "ORPHAN_STOP, transaction 999"
    socket.stop(998, 5000, timestamp=at)
    until(lambda: Alert.objects.get().count == 2)
    assert len(mailoutbox) == 1
