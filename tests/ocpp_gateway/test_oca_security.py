"""Test cases of the Open Charge Alliance for the security whitepaper of OCPP 1.6."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from chargepoints.domain.states import CommandStatus
from chargepoints.models import PasswordChange, Station
from chargepoints.services import authority
from chargepoints.services.passwords import check_password
from chargepoints.services.stations import update_station
from csms import tls
from csms.common import clock
from csms.common.audit import SystemActor
from csms.common.errors import Conflict, InvalidInput
from csms.common.models import AuditEntry
from ocpp_gateway.services.requesting import request_raw
from tests.ocpp_gateway.servers import (
    NO_HANDSHAKE,
    Charger,
    GatewayServer,
    charger,
    refused,
    running_server,
    until,
)
from tests.ocpp_gateway.test_outbox import becomes, request
from tests.ocpp_gateway.test_v16_security import csr_of, states
from tests.ocpp_gateway.test_v16_smart_charging import answer
from tests.support.certificates import Authority, Holder, client_context, key_pem, new_key
from tests.support.factories import STATION_PASSWORD, make_station, make_superadmin

NEW = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def company() -> Authority:
    return Authority()


@pytest.fixture
def tls_server(
    transactional_db: None, company: Authority, tmp_path: Path
) -> Iterator[GatewayServer]:
    trusted = tmp_path / "authorities.pem"
    trusted.write_text(authority.trusted(clock.now()))
    own = company.issue("csms", is_server=True).file(tmp_path, "server")
    with running_server(tls.server_context(own, "", str(trusted))) as running:
        yield running


@pytest.fixture
def context(company: Authority, tmp_path: Path) -> ssl.SSLContext:
    """How a charger without a certificate connects."""
    return client_context(company.certificate, tmp_path)


def profile_of(station: Station) -> tuple[int, int | None]:
    station.refresh_from_db()
    return station.security_profile, station.next_security_profile


# --- Who is let in --------------------------------------------------------------------------------


def test_TC_085_basic_authentication_with_a_valid_user_and_password(
    server: GatewayServer, station: Station
) -> None:
    with charger(server, station) as socket:
        assert socket.boot()["status"] == "Accepted"
    assert refused(server, station, password="another-password") == 401
    assert refused(server, station, user="TH-BKK-9999") == 401
    assert refused(server, station, password=None) == 401


def test_TC_086_the_server_shows_its_certificate(
    tls_server: GatewayServer, station: Station, context: ssl.SSLContext, tmp_path: Path
) -> None:
    Station.objects.update(security_profile=Station.SecurityProfile.TLS_BASIC)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context.minimum_version = context.maximum_version = version
        with charger(tls_server, station, context=context) as socket:
            assert socket.boot()["status"] == "Accepted"
    assert refused(tls_server, station, context=context, password="another-password") == 401
    stranger = client_context(Authority().certificate, tmp_path)
    with (
        pytest.raises(ssl.SSLCertVerificationError),
        charger(tls_server, station, context=stranger),
    ):
        pytest.fail("The charger trusts anybody.")


def test_TC_087_the_charger_shows_its_certificate(
    tls_server: GatewayServer, context: ssl.SSLContext, company: Authority, tmp_path: Path
) -> None:
    station = make_station(security_profile=Station.SecurityProfile.TLS_BASIC)
    with charger(tls_server, station, context=context) as socket:
        holder = renewed(socket, station)
    Station.objects.update(security_profile=Station.SecurityProfile.MUTUAL_TLS)
    own = client_context(company.certificate, tmp_path, holder)
    with charger(tls_server, station, password=None, context=own) as socket:
        assert socket.boot()["status"] == "Accepted"
    assert refused(tls_server, station, context=context) == 401
    assert refused(tls_server, make_station(security_profile=3), context=own) == 401
    forged = client_context(
        company.certificate, tmp_path, Authority().issue(station.identity), name="forged"
    )
    with (
        pytest.raises(NO_HANDSHAKE),
        charger(tls_server, station, context=forged),
    ):
        pytest.fail("The charger was let in.")


# --- Certificates ---------------------------------------------------------------------------------


def renewed(socket: Charger, station: Station) -> Holder:
    """A charger that makes a key and a request for a certificate when it is asked to."""
    socket.boot()
    command = request(station, "trigger", message="SignChargePointCertificate")
    sent = answer(socket, "ExtendedTriggerMessage", {"status": "Accepted"})
    assert sent == {"requestedMessage": "SignChargePointCertificate"}
    key = new_key()
    csr = csr_of(station, key=key)
    assert socket.call("SignCertificate", {"csr": csr}) == {"status": "Accepted"}
    chain = answer(socket, "CertificateSigned", {"status": "Accepted"})["certificateChain"]
    until(lambda: states()[-1] == "INSTALLED")
    becomes(command, CommandStatus.ACCEPTED)
    return Holder(chain, key_pem(key))


def test_TC_074_the_charger_gets_a_new_certificate_when_it_is_asked_to_renew(
    tls_server: GatewayServer, context: ssl.SSLContext, company: Authority, tmp_path: Path
) -> None:
    station = make_station(security_profile=Station.SecurityProfile.TLS_BASIC)
    with charger(tls_server, station, context=context) as socket:
        first = renewed(socket, station)
    Station.objects.update(security_profile=Station.SecurityProfile.MUTUAL_TLS)
    old = client_context(company.certificate, tmp_path, first, name="old")
    with charger(tls_server, station, password=None, context=old) as socket:
        second = renewed(socket, station)
    leaf, root = x509.load_pem_x509_certificates(second.certificate.encode())
    leaf.verify_directly_issued_by(root)
    new = client_context(company.certificate, tmp_path, second, name="new")
    with charger(tls_server, station, password=None, context=new) as socket:
        assert socket.boot()["status"] == "Accepted"


# --- The security profile -------------------------------------------------------------------------


def test_TC_083_the_security_profile_is_raised_step_by_step(
    server: GatewayServer,
    tls_server: GatewayServer,
    station: Station,
    context: ssl.SSLContext,
    company: Authority,
    tmp_path: Path,
) -> None:
    with charger(server, station) as socket:
        socket.boot()
        command = request(station, "set_configuration", key="SecurityProfile", value="2")
        sent = answer(socket, "ChangeConfiguration", {"status": "Accepted"})
        assert sent == {"key": "SecurityProfile", "value": "2"}
        becomes(command, CommandStatus.ACCEPTED)
    assert profile_of(station) == (1, 2)
    # It could not connect with the new one, and falls back.
    with charger(server, station) as socket:
        socket.boot()
    assert profile_of(station) == (1, 2)
    with charger(tls_server, station, context=context) as socket:
        assert profile_of(station) == (2, None)
        # From now on there is no way back.
        assert refused(server, station) == 401
        holder = renewed(socket, station)
        request(station, "set_configuration", key="SecurityProfile", value="3")
        answer(socket, "ChangeConfiguration", {"status": "RebootRequired"})
    with charger(tls_server, station, context=context) as socket:
        socket.boot()
    own = client_context(company.certificate, tmp_path, holder)
    with charger(tls_server, station, password=None, context=own) as socket:
        assert socket.boot()["status"] == "Accepted"
    assert profile_of(station) == (3, None)
    assert refused(tls_server, station, context=context) == 401
    trail = AuditEntry.objects.filter(action="station.security_profile_used").order_by("pk")
    assert [entry.changes["security_profile"] for entry in trail] == [[1, 2], [2, 3]]


def test_TC_083_an_answer_that_never_came_locks_nobody_out(
    server: GatewayServer, tls_server: GatewayServer, station: Station, context: ssl.SSLContext
) -> None:
    with charger(server, station) as socket:
        socket.boot()
        command = request(station, "set_configuration", key="SecurityProfile", value="2")
        socket.receive()
    becomes(command, CommandStatus.TIMED_OUT)
    with charger(server, station), charger(tls_server, station, context=context) as socket:
        assert socket.boot()["status"] == "Accepted"
    assert profile_of(station) == (2, None)


def test_TC_083_a_charger_that_refuses_keeps_what_it_has(
    server: GatewayServer, tls_server: GatewayServer, station: Station, context: ssl.SSLContext
) -> None:
    with charger(server, station) as socket:
        socket.boot()
        command = request(station, "set_configuration", key="SecurityProfile", value="2")
        answer(socket, "ChangeConfiguration", {"status": "Rejected"})
        becomes(command, CommandStatus.REJECTED)
    with charger(tls_server, station, context=context) as socket:
        socket.boot()
    assert profile_of(station) == (1, None)


def test_TC_084_the_security_profile_is_not_lowered(
    tls_server: GatewayServer, station: Station, context: ssl.SSLContext
) -> None:
    Station.objects.update(security_profile=Station.SecurityProfile.TLS_BASIC)
    station.refresh_from_db()
    payload = {"key": "securityprofile", "value": "1"}
    with charger(tls_server, station, context=context) as socket:
        socket.boot()
        for key in ("SecurityProfile", "securityprofile"):
            with pytest.raises(Conflict, match="only be raised") as error:
                request(station, "set_configuration", key=key, value="1")
            assert error.value.code == "security_profile_downgrade"
        with pytest.raises(Conflict, match="only be raised"):
            request_raw(make_superadmin(), station, "ChangeConfiguration", payload)
        with pytest.raises(InvalidInput):
            request(station, "set_configuration", key="SecurityProfile", value="4")
        # Raised by hand while the command waits for another one's answer.
        request(station, "clear_cache")
        late = request(station, "set_configuration", key="SecurityProfile", value="2")
        Station.objects.update(security_profile=Station.SecurityProfile.MUTUAL_TLS)
        answer(socket, "ClearCache", {"status": "Accepted"})
        assert "only be raised" in becomes(late, CommandStatus.FAILED).error
    assert profile_of(station) == (3, None)


def test_TC_084_what_a_person_enters_ends_a_change_under_way(station: Station) -> None:
    Station.objects.update(next_security_profile=2)
    update_station(station, actor=SystemActor("test"), changes={"security_profile": 3})
    assert profile_of(station) == (3, None)


# --- The password ---------------------------------------------------------------------------------


def test_TC_073_the_charger_takes_a_new_password(server: GatewayServer, station: Station) -> None:
    with charger(server, station) as socket:
        socket.boot()
        command = request(station, "set_configuration", key="AuthorizationKey", value=NEW)
        sent = answer(socket, "ChangeConfiguration", {"status": "Accepted"})
        assert sent == {"key": "AuthorizationKey", "value": NEW}
        assert NEW not in str(becomes(command, CommandStatus.ACCEPTED).parameters)
    kept = PasswordChange.objects.get()
    assert NEW not in kept.password_hash
    assert check_password(kept.password_hash, NEW)
    # It may need a restart first: until it has used the new one the old one is right.
    with charger(server, station) as socket:
        socket.boot()
    assert refused(server, station, password="neither-of-both") == 401
    with charger(server, station, password=bytes.fromhex(NEW)) as socket:
        assert socket.boot()["status"] == "Accepted"
    assert refused(server, station) == 401
    with charger(server, station, password=NEW) as socket:
        socket.boot()
    assert not PasswordChange.objects.exists()
    station.refresh_from_db()
    assert check_password(station.password_hash, NEW)
    assert AuditEntry.objects.filter(action="station.password_used").count() == 1


@pytest.mark.parametrize(
    ("reply", "counts"), [({"status": "Rejected"}, False), (None, True)], ids=["refused", "unknown"]
)
def test_TC_073_only_a_refusal_leaves_the_old_password_alone(
    server: GatewayServer, station: Station, reply: dict[str, Any] | None, counts: bool
) -> None:
    with charger(server, station) as socket:
        socket.boot()
        command = request(station, "set_configuration", key="AuthorizationKey", value=NEW)
        if reply is None:
            socket.receive()
        else:
            answer(socket, "ChangeConfiguration", reply)
            becomes(command, CommandStatus.REJECTED)
    with charger(server, station) as socket:
        socket.boot()
    if counts:
        with charger(server, station, password=NEW) as socket:
            socket.boot()
    else:
        assert refused(server, station, password=NEW) == 401


def test_TC_073_of_several_passwords_the_last_one_used_counts(
    server: GatewayServer, station: Station
) -> None:
    with charger(server, station) as socket:
        socket.boot()
        for number in range(3):
            request(station, "set_configuration", key="AuthorizationKey", value=f"{NEW}-{number}")
            answer(socket, "ChangeConfiguration", {"status": "Accepted"})
        with pytest.raises(Conflict):
            request(station, "set_configuration", key="AuthorizationKey", value=NEW)
    with charger(server, station, password=f"{NEW}-1") as socket:
        socket.boot()
    for gone in (STATION_PASSWORD, f"{NEW}-0"):
        assert refused(server, station, password=gone) == 401
    with charger(server, station, password=f"{NEW}-2") as socket:
        socket.boot()
    update_station(station, actor=SystemActor("test"), changes={}, password=STATION_PASSWORD)
    with charger(server, station) as socket:
        assert socket.boot()["status"] == "Accepted"


def test_TC_073_a_charger_without_a_password_gets_its_first(
    server: GatewayServer,
) -> None:
    station = make_station(password=None)
    with charger(server, station, password=None) as socket:
        socket.boot()
        with pytest.raises(InvalidInput):
            request(station, "set_configuration", key="SecurityProfile", value="1")
        payload = {"key": "AuthorizationKey", "value": NEW}
        command = request_raw(make_superadmin(), station, "ChangeConfiguration", payload)
        answer(socket, "ChangeConfiguration", {"status": "Accepted"})
        becomes(command, CommandStatus.ACCEPTED)
        station.refresh_from_db()
        request(station, "set_configuration", key="SecurityProfile", value="1")
        answer(socket, "ChangeConfiguration", {"status": "Accepted"})
    with charger(server, station, password=NEW) as socket:
        socket.boot()
    assert profile_of(station) == (1, None)
    assert refused(server, station, password=None) == 401


@pytest.mark.parametrize("value", ["", "x" * 129])
def test_TC_073_a_password_that_cannot_be_one_is_not_sent(station: Station, value: str) -> None:
    with pytest.raises(InvalidInput):
        request(station, "set_configuration", key="AuthorizationKey", value=value)
    assert not PasswordChange.objects.exists()
