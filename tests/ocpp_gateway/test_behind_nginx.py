"""Chargers behind the project's own nginx.conf, which ends TLS and passes certificates on."""

import http.client
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.test import override_settings

from chargepoints.models import Station, StationAnomaly
from chargepoints.services import authority, certificates
from csms.common import clock
from csms.common.audit import SystemActor
from csms.settings.env import parse_networks
from ocpp_gateway.client_certificates import CERTIFICATE_HEADER, VERIFY_HEADER
from ocpp_gateway.models import StationConnection
from tests.ocpp_gateway.fronts import Nginx, why_not
from tests.ocpp_gateway.secured import certified
from tests.ocpp_gateway.servers import GatewayServer, charger, refused
from tests.support.certificates import DAY, Authority, Holder, client_context
from tests.support.factories import make_station
from tests.support.threads import in_threads

pytestmark = [pytest.mark.nginx, pytest.mark.skipif(bool(why_not()), reason=why_not())]
Connect = Callable[..., ssl.SSLContext]
TRUSTED = parse_networks("TRUSTED_PROXIES", ["127.0.0.1"])


@pytest.fixture(scope="module")
def company() -> Authority:
    return Authority()


@pytest.fixture
def front(server: GatewayServer, company: Authority, tmp_path: Path) -> Iterator[Nginx]:
    """nginx before a gateway that trusts it."""
    own = company.issue("csms", is_server=True)
    (tmp_path / "fullchain.pem").write_text(own.certificate)
    (tmp_path / "privkey.pem").write_text(own.key)
    trusted = authority.trusted(clock.now()) + company.certificate
    (tmp_path / "chargers.pem").write_text(trusted)
    nginx = Nginx(tmp_path, server)
    nginx.start()
    behind_a_proxy = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}
    with override_settings(REST_FRAMEWORK=behind_a_proxy, TRUSTED_PROXIES=TRUSTED):
        yield nginx
    nginx.stop()


@pytest.fixture
def connecting(company: Authority, tmp_path: Path) -> Connect:
    def made(holder: Holder | None = None) -> ssl.SSLContext:
        return client_context(company.certificate, tmp_path, holder)

    return made


def anomalies(station: Station) -> dict[str, str]:
    return dict(StationAnomaly.objects.filter(station=station).values_list("kind", "detail"))


def test_case_08_nginx_passes_on_whose_certificate_it_has_verified(
    front: Nginx, connecting: Connect, company: Authority
) -> None:
    ours, theirs = (make_station(security_profile=3, password=None) for _number in range(2))
    own = certified(ours)
    with (
        charger(front, ours, password=None, context=connecting(own.holder)) as first,
        charger(
            front, theirs, password=None, context=connecting(company.issue(theirs.identity))
        ) as second,
    ):
        assert first.boot()["status"] == "Accepted"
        assert second.boot()["status"] == "Accepted"
        certificates.revoke(own.request, actor=SystemActor("test"))
        assert first.close_code() == 1008
        assert second.call("Heartbeat", {})
    assert refused(front, ours, password=None, context=connecting(own.holder)) == 401
    assert anomalies(ours) == {"refused: certificate_revoked": "127.0.0.1"}


def test_case_08_what_nginx_did_not_verify_is_401(
    front: Nginx, connecting: Connect, company: Authority, station: Station
) -> None:
    Station.objects.update(security_profile=3)
    shown = {
        "no_client_certificate": None,
        "certificate_of_another_name": company.issue("TH-BKK-0002"),
        "bad_client_certificate": Authority().issue(station.identity),
    }
    for holder in shown.values():
        assert refused(front, station, context=connecting(holder)) == 401
    assert anomalies(station).keys() == {f"refused: {reason}" for reason in shown}
    expired = company.issue(station.identity, since=-3 * DAY, until=-2 * DAY)
    assert refused(front, station, context=connecting(expired)) == 401
    assert "expired" in anomalies(station)["refused: bad_client_certificate"]
    assert not StationConnection.objects.exists()
    # A charger of which none is asked may have an odd one.
    Station.objects.update(security_profile=2)
    with charger(front, station, context=connecting(expired)) as socket:
        assert socket.boot()["status"] == "Accepted"


@pytest.mark.parametrize("path", ["/ocpp/TH-BKK-0001", "/OCPP/TH-BKK-0001", "//ocpp/TH-BKK-0001"])
def test_case_08_nginx_lets_no_charger_write_what_it_says_itself(
    front: Nginx, connecting: Connect, company: Authority, station: Station, path: str
) -> None:
    Station.objects.update(security_profile=3)
    real = company.issue(station.identity).certificate.replace("\n", "%0A")
    said = {
        VERIFY_HEADER.decode(): "SUCCESS",
        CERTIFICATE_HEADER.decode(): real,
        "X-Forwarded-Proto": "https",
        "X-Forwarded-For": "203.0.113.9",
    }
    assert refused(front, station, path=path, headers=said, context=connecting()) == 401
    other = connecting(company.issue("TH-BKK-0002"))
    assert refused(front, station, path=path, headers=said, context=other) == 401
    plain = SimpleNamespace(address=f"ws://127.0.0.1:{front.plain_port}")
    assert refused(plain, station, path=path, headers=said) == 401
    Station.objects.update(security_profile=2)
    assert refused(plain, station, path=path, headers=said) == 401
    with charger(front, station, path=path, headers=said, context=connecting()) as socket:
        assert socket.boot()["status"] == "Accepted"
    assert StationConnection.objects.get().remote_address == "127.0.0.1"
    Station.objects.update(security_profile=1)
    with charger(plain, station, path=path, headers=said) as socket:
        assert socket.boot()["status"] == "Accepted"


def test_case_08_an_nginx_that_is_not_named_is_not_believed(
    front: Nginx, connecting: Connect, company: Authority, station: Station
) -> None:
    Station.objects.update(security_profile=3)
    own = connecting(company.issue(station.identity))
    with charger(front, station, password=None, context=own) as socket:
        socket.boot()
    for trusted in ((), parse_networks("TRUSTED_PROXIES", ["172.30.57.2"])):
        with override_settings(TRUSTED_PROXIES=trusted):
            assert refused(front, station, password=None, context=own) == 401


def test_pages_are_not_for_who_shows_a_bad_certificate(front: Nginx, connecting: Connect) -> None:
    def get(path: str, holder: Holder | None = None) -> int:
        asked = http.client.HTTPSConnection(
            "127.0.0.1", front.secure_port, context=connecting(holder), timeout=10
        )
        asked.request("GET", path)
        status = asked.getresponse().status
        asked.close()
        return status

    assert get("/healthz") == 200
    assert get("/metrics") == 404
    assert get("/healthz", Authority().issue("somebody")) == 400


def test_case_13_half_of_a_site_in_a_loop_keeps_the_other_half_from_nothing(
    front: Nginx, connecting: Connect
) -> None:
    context = connecting()
    everybody = [make_station(security_profile=2) for _number in range(20)]
    everybody_is_at_it = threading.Barrier(20)

    def arrive(number: int) -> set[int | str]:
        station = everybody[number]
        if number % 2:
            seen: set[int | str] = set()
            for attempt in range(30):
                if attempt == 25:  # the address has asked 250 times
                    everybody_is_at_it.wait(60)
                seen.add(refused(front, station, password="wrong-password-12", context=context))
            return seen
        everybody_is_at_it.wait(60)
        with charger(front, station, context=context) as socket:
            status: str = socket.boot()["status"]
            return {status}

    outcomes = in_threads(20, arrive)
    assert outcomes[::2] == [{"Accepted"}] * 10
    assert all(outcome <= {401, 429} for outcome in outcomes[1::2])
    assert set().union(*outcomes[1::2]) == {401, 429}
