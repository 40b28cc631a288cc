"""Who gets a socket, under which address and which version: cases 1 to 8 of the specification."""

import pytest
from django.conf import settings
from django.test import override_settings

from chargepoints.models import Station, StationAnomaly
from chargepoints.services.passwords import hash_password
from ocpp_gateway.models import StationConnection
from tests.ocpp_gateway.servers import GatewayServer, charger, refused
from tests.support.factories import make_station

HEX_PASSWORD = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("offered", "allowed", "chosen"),
    [
        (["ocpp2.0.1", "ocpp1.6"], ["ocpp1.6", "ocpp2.0.1"], "ocpp1.6"),
        (["ocpp1.6", "ocpp2.0.1"], ["ocpp1.6"], "ocpp1.6"),
        (["ocpp9", "ocpp1.6"], ["ocpp1.6"], "ocpp1.6"),
    ],
)
def test_case_01_the_first_offer_that_the_record_allows_is_echoed(
    server: GatewayServer, offered: list[str], allowed: list[str], chosen: str
) -> None:
    station = make_station(allowed_versions=allowed)
    with charger(server, station, subprotocols=offered) as socket:
        assert socket.connection.subprotocol == chosen
        assert socket.boot()["status"] == "Accepted"


def test_case_02_no_subprotocol_closes_unless_the_station_may(
    server: GatewayServer, station: Station
) -> None:
    with charger(server, station, subprotocols=[]) as socket:
        assert socket.connection.subprotocol is None
        assert socket.close_code() == 1002
    Station.objects.update(assumes_subprotocol=True)
    with charger(server, station, subprotocols=[]) as socket:
        assert socket.connection.subprotocol is None
        assert socket.boot()["status"] == "Accepted"


def test_case_03_unknown_subprotocols_close_at_once_and_are_noted(
    server: GatewayServer, station: Station
) -> None:
    with charger(server, station, subprotocols=["ocpp1.2", "soap"]) as socket:
        assert socket.connection.subprotocol is None
        assert socket.close_code() == 1002
    noted = StationAnomaly.objects.get(station=station, kind="no_common_subprotocol")
    assert noted.detail == "ocpp1.2, soap"
    assert not StationConnection.objects.filter(station=station).exists()


@pytest.mark.parametrize(
    ("identity", "path"),
    [
        ("RDAM|123", "/ocpp/RDAM%7C123"),
        ("a b", "/ocpp/a%20b"),
        ("a/b", "/ocpp/a%2Fb"),
        ("a%20b", "/ocpp/a%2520b"),
        ("สถานี-1", "/ocpp/%E0%B8%AA%E0%B8%96%E0%B8%B2%E0%B8%99%E0%B8%B5-1"),
        ("a b", "/ocpp?chargePointId=a%20b&version=1.6"),
        ("a%20b", "/ocpp?chargePointId=a%2520b"),
    ],
)
def test_case_04_an_identity_is_decoded_exactly_once(
    server: GatewayServer, identity: str, path: str
) -> None:
    station = make_station(identity)
    make_station("a%2520b")
    with charger(server, station, path=path) as socket:
        socket.boot()
    assert StationConnection.objects.get().station == station


@pytest.mark.parametrize(
    "path",
    ["/OCPP/th-bkk-0001", "/ocpp/TH-BKK-0001/", "//ocpp//TH-BKK-0001", "/ocpp/TH-BKK-0001?x=1"],
)
def test_case_05_addresses_have_one_normal_form(
    server: GatewayServer, station: Station, path: str
) -> None:
    with charger(server, station, path=path) as socket:
        assert socket.boot()["status"] == "Accepted"


@pytest.mark.parametrize(
    "path",
    [
        "/ocpp/" + "x" * 49,
        "/ocpp/" + "x" * 5000,
        "/ocpp/%00",
        "/ocpp/%ff",
        "/ocpp/",
        "/ocpp",
        "/ocpp/TH-BKK-0001/more",
        "/elsewhere",
        "/ocpp/..%2f..",
        "/ocpp/NOBODY",
    ],
)
def test_case_05_and_06_an_address_of_no_station_is_404(
    server: GatewayServer, station: Station, path: str
) -> None:
    assert refused(server, station, path=path) == 404


def test_case_06_wrong_credentials_are_401_before_the_upgrade(
    server: GatewayServer, station: Station
) -> None:
    assert refused(server, station, password="wrong-password-1234") == 401
    assert refused(server, station, user="TH-BKK-0002") == 401
    assert refused(server, station, password=None) == 401
    with charger(server, station) as first:
        first.boot()
        # Also with the right password known to the process, and the first socket lives on.
        assert refused(server, station, password="wrong-password-1234") == 401
        first.call("Heartbeat", {})
    Station.objects.update(password_hash=hash_password("another-password"))
    assert refused(server, station) == 401


def test_guessing_passwords_is_slowed_down_and_noted_but_locks_nobody_else_out(
    server: GatewayServer, station: Station
) -> None:
    neighbour = make_station()  # behind the same address
    with charger(server, station) as first:
        first.boot()
        guesses = [refused(server, station, password=f"guess-{n}") for n in range(12)]
        assert guesses == [401] * 10 + [429] * 2
        assert first.call("Heartbeat", {})
    with charger(server, neighbour) as other:
        other.boot()
    noted = StationAnomaly.objects.get(station=station, kind="refused: wrong_password")
    assert (noted.count, noted.detail) == (10, "127.0.0.1")


@pytest.mark.parametrize(
    ("stored", "sent"),
    [
        (HEX_PASSWORD, HEX_PASSWORD),
        (HEX_PASSWORD, bytes.fromhex(HEX_PASSWORD)),
        (HEX_PASSWORD.upper(), bytes.fromhex(HEX_PASSWORD)),
        ("with:colon:in:it", "with:colon:in:it"),
        ("\xff\xfe-not-utf-8-\xe9", b"\xff\xfe-not-utf-8-\xe9"),
    ],
)
def test_case_07_passwords_come_as_text_or_as_bytes(
    server: GatewayServer, station: Station, stored: str, sent: str | bytes
) -> None:
    Station.objects.update(password_hash=hash_password(stored))
    with charger(server, station, password=sent) as socket:
        assert socket.boot()["status"] == "Accepted"


def test_case_08_no_downgrade_from_tls(server: GatewayServer, station: Station) -> None:
    Station.objects.update(security_profile=Station.SecurityProfile.TLS_BASIC)
    assert refused(server, station) == 401
    Station.objects.update(security_profile=Station.SecurityProfile.MUTUAL_TLS)
    assert refused(server, station) == 401
    Station.objects.update(security_profile=Station.SecurityProfile.NONE)
    with charger(server, station, password=None) as socket:
        assert socket.boot()["status"] == "Accepted"


def test_case_08_only_a_known_proxy_is_believed(server: GatewayServer, station: Station) -> None:
    Station.objects.update(security_profile=Station.SecurityProfile.TLS_BASIC)
    said = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9, 198.51.100.7"}
    assert refused(server, station, headers=said) == 401
    behind_a_proxy = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}
    with (
        override_settings(REST_FRAMEWORK=behind_a_proxy),
        charger(server, station, headers=said) as socket,
    ):
        assert socket.boot()["status"] == "Accepted"
        assert StationConnection.objects.get().remote_address == "198.51.100.7"
    nonsense = {**said, "X-Forwarded-For": "<script>"}
    with (
        override_settings(REST_FRAMEWORK=behind_a_proxy),
        charger(server, station, headers=nonsense) as socket,
    ):
        assert socket.boot()["status"] == "Accepted"
        assert StationConnection.objects.get().remote_address == "127.0.0.1"
