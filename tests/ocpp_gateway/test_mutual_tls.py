"""Security profiles 2 and 3 with real TLS that the server itself ends."""

import asyncio
import socket as network
import ssl
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import uvloop
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.test import override_settings

from chargepoints.models import CertificateAuthority, Station, StationAnomaly
from chargepoints.services import authority, certificates
from csms import server as servers
from csms import tls
from csms.common import clock
from csms.common.audit import SystemActor
from csms.settings.env import parse_networks
from ocpp_gateway.client_certificates import CERTIFICATE_HEADER, VERIFY_HEADER
from ocpp_gateway.models import StationConnection
from tests.ocpp_gateway.secured import certified
from tests.ocpp_gateway.servers import (
    NO_HANDSHAKE,
    WAIT_SECONDS,
    GatewayServer,
    charger,
    refused,
    running_server,
    until,
)
from tests.support.certificates import DAY, Authority, Holder, client_context
from tests.support.factories import make_station

Connect = Callable[..., ssl.SSLContext]


@pytest.fixture(scope="module")
def company() -> Authority:
    """Signs the server's certificate, and those of chargers that have their own from elsewhere."""
    return Authority()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "PATIENCE_SECONDS", 1)


@pytest.fixture
def tls_server(
    request: pytest.FixtureRequest, transactional_db: None, company: Authority, tmp_path: Path
) -> Iterator[GatewayServer]:
    """Trusts the company's authority and the local one. Its parameter makes the event loop."""
    exported = StringIO()
    call_command("export_certificate_authority", stdout=exported)
    trusted = tmp_path / "authorities.pem"
    trusted.write_text(exported.getvalue() + company.certificate)
    own = company.issue("csms", is_server=True).file(tmp_path, "server")
    context = tls.server_context(own, "", str(trusted))
    with running_server(context, getattr(request, "param", None)) as running:
        yield running


@pytest.fixture
def connecting(company: Authority, tmp_path: Path) -> Connect:
    """How a charger with this certificate connects."""

    def made(holder: Holder | None = None) -> ssl.SSLContext:
        return client_context(company.certificate, tmp_path, holder)

    return made


def anomalies(station: Station) -> dict[str, str]:
    return dict(StationAnomaly.objects.filter(station=station).values_list("kind", "detail"))


@pytest.mark.parametrize(
    "tls_server",
    [asyncio.new_event_loop, uvloop.new_event_loop],
    ids=["asyncio", "uvloop"],
    indirect=True,
)
def test_case_08_a_charger_with_its_certificate_is_let_in_and_others_share_the_port(
    tls_server: GatewayServer, station: Station, connecting: Connect, company: Authority
) -> None:
    own = make_station("TH-BKK-0003", security_profile=3, password=None)
    known_by_serial = make_station(security_profile=3, password=None, serial_number="SN-77")
    Station.objects.filter(pk=station.pk).update(security_profile=2)
    plain = make_station()
    with (
        charger(
            tls_server,
            own,
            password=None,
            context=connecting(company.issue("th-bkk-0003")),
        ) as first,
        charger(
            tls_server,
            known_by_serial,
            password=None,
            context=connecting(company.issue("SN-77")),
        ) as second,
        charger(tls_server, station, context=connecting()) as third,
        charger(tls_server, plain, context=connecting()) as fourth,
    ):
        for socket in (first, second, third, fourth):
            assert socket.boot()["status"] == "Accepted"
    assert not StationAnomaly.objects.filter(kind__startswith="refused").exists()


@pytest.mark.parametrize(
    ("fields", "kind", "detail"),
    [
        ({"name": "TH-BKK-0002"}, "refused: certificate_of_another_name", "127.0.0.1"),
        ({"name": ""}, "refused: certificate_of_another_name", "127.0.0.1"),
        (
            {"since": -3 * DAY, "until": -2 * DAY},
            "refused: bad_client_certificate",
            "127.0.0.1 expired",
        ),
        (
            {"since": DAY, "until": 2 * DAY},
            "refused: bad_client_certificate",
            "127.0.0.1 not yet valid",
        ),
        (None, "refused: no_client_certificate", "127.0.0.1"),
    ],
)
def test_case_08_a_certificate_that_is_not_its_own_or_not_in_time_is_401(
    tls_server: GatewayServer,
    station: Station,
    connecting: Connect,
    company: Authority,
    fields: dict[str, Any] | None,
    kind: str,
    detail: str,
) -> None:
    Station.objects.update(security_profile=3)
    holder = None if fields is None else company.issue(**{"name": station.identity, **fields})
    # Neither does a right password help.
    assert refused(tls_server, station, context=connecting(holder)) == 401
    assert anomalies(station) == {kind: detail}
    assert not StationConnection.objects.exists()


@pytest.mark.parametrize(
    "tls_server",
    [asyncio.new_event_loop, uvloop.new_event_loop],
    ids=["asyncio", "uvloop"],
    indirect=True,
)
def test_a_socket_that_never_begins_with_tls_is_closed(
    impatient: None, tls_server: GatewayServer, station: Station, connecting: Connect
) -> None:
    with (
        network.create_connection(("127.0.0.1", tls_server.port), WAIT_SECONDS) as silent,
        charger(tls_server, station, context=connecting()) as socket,
    ):
        assert silent.recv(1) == b""
        assert socket.boot()["status"] == "Accepted"


def test_case_08_a_foreign_authority_or_an_expired_one_signs_nothing(
    tls_server: GatewayServer, station: Station, connecting: Connect, tmp_path: Path
) -> None:
    Station.objects.update(security_profile=3)
    foreign = connecting(Authority().issue(station.identity))
    with (
        pytest.raises(NO_HANDSHAKE),
        charger(tls_server, station, context=foreign),
    ):
        pytest.fail("The charger was let in.")
    # Its certificate holds longer than the authority's own.
    expired = Authority(until=-DAY)
    (tmp_path / "expired.pem").write_text(expired.certificate)
    own = Authority()
    context = tls.server_context(
        own.issue("csms", is_server=True).file(tmp_path, "other"), "", str(tmp_path / "expired.pem")
    )
    with running_server(context) as server:
        shown = client_context(
            own.certificate, tmp_path, expired.issue(station.identity), name="late"
        )
        assert refused(server, station, context=shown) == 401
    assert anomalies(station)["refused: bad_client_certificate"].endswith("authority has expired")


def test_case_08_plain_sockets_and_old_tls_are_no_way_round(
    server: GatewayServer,
    tls_server: GatewayServer,
    station: Station,
    connecting: Connect,
    company: Authority,
) -> None:
    Station.objects.update(security_profile=3)
    assert refused(server, station) == 401
    old = connecting(company.issue(station.identity))
    with pytest.deprecated_call():
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    with (
        pytest.raises(NO_HANDSHAKE),
        charger(tls_server, station, context=old),
    ):
        pytest.fail("The charger was let in.")


def test_case_08_what_a_charger_says_of_its_certificate_is_not_believed(
    server: GatewayServer, tls_server: GatewayServer, station: Station, connecting: Connect
) -> None:
    Station.objects.update(security_profile=3)
    stolen = Authority().issue(station.identity).certificate.replace("\n", "%0A")
    said = {
        VERIFY_HEADER.decode(): "SUCCESS",
        CERTIFICATE_HEADER.decode(): stolen,
        "X-Forwarded-Proto": "https",
        "X-Forwarded-For": "172.30.57.2",
    }
    elsewhere = parse_networks("TRUSTED_PROXIES", ["172.30.57.2", "10.0.0.0/8"])
    for trusted in ((), elsewhere):
        with override_settings(TRUSTED_PROXIES=trusted):
            assert refused(server, station, headers=said) == 401
            assert refused(tls_server, station, headers=said, context=connecting()) == 401
    assert anomalies(station).keys() == {
        "refused: plain_connection_of_a_tls_station",
        "refused: no_client_certificate",
    }


def test_a_certificate_that_we_signed_counts_until_it_is_revoked(
    tls_server: GatewayServer, connecting: Connect
) -> None:
    station = make_station("TH-BKK-0009", security_profile=3, password=None)
    older, newer = certified(station), certified(station)
    for each in (older, newer):  # a newer one does not end an older one
        with charger(tls_server, station, password=None, context=connecting(each.holder)) as socket:
            socket.boot()
    with charger(tls_server, station, password=None, context=connecting(newer.holder)) as socket:
        socket.boot()
        for _time in range(2):
            certificates.revoke(newer.request, actor=SystemActor("test"), reason="lost")
        assert socket.close_code() == 1008
    assert refused(tls_server, station, password=None, context=connecting(newer.holder)) == 401
    assert "refused: certificate_revoked" in anomalies(station)
    with charger(tls_server, station, password=None, context=connecting(older.holder)) as socket:
        assert socket.boot()["status"] == "Accepted"
    # Gone from the table: whoever signed it, it is not known here.
    older.request.delete()
    assert refused(tls_server, station, password=None, context=connecting(older.holder)) == 401
    assert "refused: certificate_unknown_here" in anomalies(station)


def test_a_revocation_of_which_the_gateway_did_not_hear_closes_the_socket_too(
    tls_server: GatewayServer, connecting: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    station = make_station(security_profile=3, password=None)
    own = certified(station)
    with charger(tls_server, station, password=None, context=connecting(own.holder)) as socket:
        socket.boot()
        monkeypatch.setattr(certificates, "publish", lambda _event: None)
        certificates.revoke(own.request, actor=SystemActor("test"))
        assert socket.close_code() == 1008
    until(lambda: not Station.objects.get(pk=station.pk).is_online)


def test_the_exported_file_holds_replaced_authorities_until_they_expire(
    db: None, tmp_path: Path
) -> None:
    first = authority.active(clock.now())
    CertificateAuthority.objects.update(is_active=False)
    second = authority.active(clock.now())
    path = tmp_path / "chargers.pem"
    call_command("export_certificate_authority", output=str(path))
    assert path.read_text() == second.certificate + first.certificate
    assert "PRIVATE" not in path.read_text()
    late = clock.now() + timedelta(days=authority.AUTHORITY_DAYS + 1)
    assert authority.trusted(late) == ""
    with pytest.raises(CommandError):
        call_command("export_certificate_authority", output=str(tmp_path / "no" / "folder"))


def test_files_that_cannot_be_used_are_named(company: Authority, tmp_path: Path) -> None:
    own = company.issue("csms", is_server=True).file(tmp_path, "server")
    with pytest.raises(ImproperlyConfigured, match="nowhere"):
        tls.server_context("/nowhere.pem", "", "")
    with pytest.raises(ImproperlyConfigured, match="nowhere"):
        tls.server_context(own, "", "/nowhere.pem")
    empty = tmp_path / "empty.pem"
    empty.touch()
    with pytest.raises(ImproperlyConfigured, match=r"empty\.pem"):
        tls.server_context(own, "", str(empty))
    with pytest.raises(ImproperlyConfigured, match="TRUSTED_PROXIES"):
        parse_networks("TRUSTED_PROXIES", ["nginx"])
    with pytest.raises(CommandError, match="ssl-certfile"):
        call_command("serve", ssl_ca_certs="/nowhere.pem")
