"""The security extension over the wire: certificates and security events."""

import json
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.db import connection

from chargepoints.domain.reports import SigningRequest
from chargepoints.domain.states import CommandStatus
from chargepoints.models import (
    CertificateAuthority,
    CertificateRequest,
    Command,
    InstalledCertificate,
    SecurityEvent,
    Station,
    StationAnomaly,
)
from chargepoints.services import authority, certificates
from csms.common import clock
from csms.common.errors import Conflict, InvalidInput
from ocpp_gateway import dispatch
from tests.ocpp_gateway.servers import Charger, charger, timestamp, until
from tests.ocpp_gateway.test_outbox import becomes, request
from tests.ocpp_gateway.test_v16_smart_charging import answer
from tests.support.factories import make_station
from tests.support.threads import in_threads

HASHES = {
    "hashAlgorithm": "SHA256",
    "issuerNameHash": "aa",
    "issuerKeyHash": "bb",
    "serialNumber": "01",
}


def csr_of(
    station: Station, *, name: str | None = None, organisation: str | None = None, key: Any = None
) -> str:
    key = key or ec.generate_private_key(ec.SECP256R1())
    names = [
        (NameOID.COMMON_NAME, station.identity if name is None else name),
        (
            NameOID.ORGANIZATION_NAME,
            station.site.operator.name if organisation is None else organisation,
        ),
    ]
    subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in names if value])
    csr = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return csr.public_bytes(serialization.Encoding.PEM).decode()


def states() -> list[str]:
    return list(CertificateRequest.objects.order_by("pk").values_list("state", flat=True))


def test_case_70_the_answer_goes_out_before_the_certificate(
    socket: Charger, station: Station
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    for _time in range(5):
        socket.send([2, "csr", "SignCertificate", {"csr": csr_of(station, key=key)}])
        assert socket.receive() == [3, "csr", {"status": "Accepted"}]
        ours = socket.receive()
        assert ours[2] == "CertificateSigned"
        socket.send([3, ours[1], {"status": "Accepted"}])
        until(lambda: set(states()) == {"INSTALLED"})
    leaf, root = x509.load_pem_x509_certificates(ours[3]["certificateChain"].encode())
    leaf.verify_directly_issued_by(root)
    assert leaf.public_key() == key.public_key()
    assert leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == station.identity
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    row = CertificateRequest.objects.order_by("pk").last()
    assert row is not None
    assert row.expires_at is not None
    assert int(row.serial_number, 16) == leaf.serial_number
    assert abs(row.expires_at - leaf.not_valid_after_utc) < timedelta(seconds=1)


def test_the_authority_keeps_its_key_encrypted(socket: Charger, station: Station) -> None:
    socket.call("SignCertificate", {"csr": csr_of(station)})
    answer(socket, "CertificateSigned", {"status": "Accepted"})
    assert "PRIVATE KEY" in CertificateAuthority.objects.get().private_key
    with connection.cursor() as cursor:
        cursor.execute("SELECT private_key FROM chargepoints_certificateauthority")
        assert "PRIVATE KEY" not in cursor.fetchone()[0]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"name": "SOMEBODY-ELSE"}, "common name"),
        ({"name": ""}, "common name"),
        ({"organisation": "Somebody"}, "organisation"),
        ({"organisation": ""}, "organisation"),
        ({"key": rsa.generate_private_key(65537, 1024)}, "too short"),
    ],
)
def test_case_70_a_wrong_request_is_refused(
    socket: Charger, station: Station, fields: dict[str, Any], why: str
) -> None:
    csr = csr_of(station, **fields)
    assert socket.call("SignCertificate", {"csr": csr}) == {"status": "Rejected"}
    row = CertificateRequest.objects.get()
    assert row.state == "REFUSED"
    assert why in row.detail
    assert StationAnomaly.objects.get().kind == "certificate_refused"
    assert not Command.objects.exists()


@pytest.mark.parametrize("csr", ["", "nonsense", "-----BEGIN CERTIFICATE REQUEST-----", "x" * 9000])
def test_what_is_no_request_is_refused(socket: Charger, station: Station, csr: str) -> None:
    assert socket.call("SignCertificate", {"csr": csr}) == {"status": "Rejected"}
    assert states() == ["REFUSED"]


def test_a_request_changed_on_the_way_is_refused(station: Station) -> None:
    good = x509.load_pem_x509_csr(csr_of(station).encode())
    raw = bytearray(good.public_bytes(serialization.Encoding.DER))
    raw[-1] ^= 1
    forged = x509.load_der_x509_csr(bytes(raw)).public_bytes(serialization.Encoding.PEM)
    names = {station.site.operator.name}
    with pytest.raises(authority.CsrRefused):
        authority.check(forged.decode(), common_name=station.identity, organisations=names)


def test_case_70_a_second_request_while_the_first_is_open(
    socket: Charger, station: Station
) -> None:
    socket.call("SignCertificate", {"csr": csr_of(station)})
    first = socket.receive()
    socket.send([2, "second", "SignCertificate", {"csr": csr_of(station)}])
    assert socket.receive() == [3, "second", {"status": "Accepted"}]
    socket.send([3, first[1], {"status": "Rejected"}])
    answer(socket, "CertificateSigned", {"status": "Accepted"})
    until(lambda: states() == ["SUPERSEDED", "INSTALLED"])


def test_a_refused_certificate(socket: Charger, station: Station) -> None:
    socket.call("SignCertificate", {"csr": csr_of(station)})
    answer(socket, "CertificateSigned", {"status": "Rejected"})
    until(lambda: states() == ["REJECTED"])
    with pytest.raises(Conflict):
        request(station, "send_certificate")


def test_what_a_process_left_behind_is_signed_by_the_sweep(
    socket: Charger, station: Station
) -> None:
    failing = {"SignCertificate": mock.Mock(side_effect=RuntimeError("killed"))}
    with mock.patch.object(dispatch, "_FOLLOW_UPS", failing):
        socket.call("SignCertificate", {"csr": csr_of(station)})
        socket.call("Heartbeat", {})
    assert states() == ["PENDING"]
    assert certificates.sign_left_behind(clock.now()) == 0
    assert certificates.sign_left_behind(clock.now() + timedelta(minutes=2)) == 1
    answer(socket, "CertificateSigned", {"status": "Accepted"})
    until(lambda: states() == ["INSTALLED"])


@pytest.mark.django_db
def test_one_request_that_cannot_be_signed_keeps_up_no_other() -> None:
    archived, odd, well = make_station(), make_station(), make_station()
    for each in (archived, odd, well):
        report = SigningRequest(clock.now(), csr_of(each))
        assert certificates.receive_request(each.pk, report)
    Station.objects.filter(pk=archived.pk).update(archived_at=clock.now())
    sign = certificates._check

    def fails(station: Station, csr: str) -> Any:
        if station.pk == odd.pk:
            raise RuntimeError("odd")
        return sign(station, csr)

    with mock.patch.object(certificates, "_check", side_effect=fails):
        assert certificates.sign_left_behind(clock.now() + timedelta(minutes=2)) == 1
    assert CertificateRequest.objects.get(station=well).state == "SIGNED"


@pytest.mark.django_db(transaction=True)
def test_twenty_first_requests_make_one_authority() -> None:
    stations = [make_station() for _number in range(20)]
    requests = [csr_of(station) for station in stations]

    def ask(number: int) -> bool:
        station = stations[number]
        request = SigningRequest(clock.now(), requests[number])
        assert certificates.receive_request(station.pk, request)
        return certificates.sign_pending(station.pk) is not None

    assert all(in_threads(20, ask))
    assert CertificateAuthority.objects.count() == 1
    assert Command.objects.filter(name="send_certificate").count() == 20


# --- Certificates that the charger trusts -------------------------------------------------------


def test_installing_listing_and_deleting(socket: Charger, station: Station) -> None:
    root = authority.active(clock.now()).certificate
    kind = "central_system_root"
    request(station, "install_certificate", certificate_type=kind, certificate=root)
    sent = answer(socket, "InstallCertificate", {"status": "Accepted"})
    assert sent == {"certificateType": "CentralSystemRootCertificate", "certificate": root}
    listing = {"status": "Accepted", "certificateHashData": [HASHES, HASHES]}
    asked = answer(socket, "GetInstalledCertificateIds", listing)
    assert asked == {"certificateType": "CentralSystemRootCertificate"}
    row = until(InstalledCertificate.objects.first)
    assert (row.type, row.serial_number, row.issuer_key_hash) == (kind, "01", "bb")
    assert InstalledCertificate.objects.count() == 1

    request(
        station,
        "delete_certificate",
        issuer_name_hash="AA",
        issuer_key_hash="BB",
        serial_number="01",
    )
    sent = answer(socket, "DeleteCertificate", {"status": "Accepted"})
    assert sent["certificateHashData"]["hashAlgorithm"] == "SHA256"
    until(lambda: not InstalledCertificate.objects.exists())


def test_a_charger_without_certificates_has_none(socket: Charger, station: Station) -> None:
    InstalledCertificate.objects.create(
        station=station, type="manufacturer_root", serial_number="1", known_at=clock.now()
    )
    command = request(station, "get_installed_certificates", certificate_type="manufacturer_root")
    answer(socket, "GetInstalledCertificateIds", {"status": "NotFound"})
    becomes(command, CommandStatus.ACCEPTED)
    assert not InstalledCertificate.objects.exists()


@pytest.mark.parametrize(("status", "is_left"), [("NotFound", False), ("Failed", True)])
def test_a_deletion_that_fails(
    socket: Charger, station: Station, status: str, is_left: bool
) -> None:
    names = {"issuer_name_hash": "aa", "issuer_key_hash": "bb", "serial_number": "01"}
    InstalledCertificate.objects.create(
        station=station,
        type="manufacturer_root",
        hash_algorithm="SHA256",
        known_at=clock.now(),
        **names,
    )
    command = request(station, "delete_certificate", **names)
    answer(socket, "DeleteCertificate", {"status": status})
    assert becomes(command, CommandStatus.REJECTED).error == status
    assert InstalledCertificate.objects.exists() == is_left


def test_only_a_certificate_can_be_installed(station: Station) -> None:
    with pytest.raises(InvalidInput):
        request(
            station,
            "install_certificate",
            certificate_type="manufacturer_root",
            certificate="no certificate",
        )


# --- Security events ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "is_critical"),
    [("TamperDetectionActivated", True), ("StartupOfTheDevice", False), ("VendorThing", False)],
)
def test_security_events_are_kept_and_the_critical_ones_marked(
    socket: Charger, station: Station, kind: str, is_critical: bool
) -> None:
    report = {"type": kind, "timestamp": timestamp(), "techInfo": "door\x00 open"}
    assert socket.call("SecurityEventNotification", report) == {}
    event = SecurityEvent.objects.get()
    assert (event.type, event.is_critical, event.tech_info) == (kind, is_critical, "door open")
    assert abs(event.occurred_at - event.received_at) < timedelta(seconds=5)


def test_an_odd_security_event_is_kept_too(socket: Charger, station: Station) -> None:
    report = {"type": "T" * 200, "timestamp": "1970-01-01T00:00:00Z", "techInfo": None}
    assert socket.call("SecurityEventNotification", report) == {}
    event = SecurityEvent.objects.get()
    assert (event.type, event.occurred_at) == ("T" * 200, event.received_at)
    assert json.dumps(event.tech_info) == '""'


def test_a_charger_that_leaves_before_its_certificate_gets_it_later(
    server: Any, station: Station
) -> None:
    with charger(server, station) as first:
        first.boot()
        first.call("SignCertificate", {"csr": csr_of(station)})
        ours = first.receive()
    until(lambda: Command.objects.get().status == CommandStatus.TIMED_OUT)
    request(station, "send_certificate")
    with charger(server, station) as second:
        second.boot()
        again = answer(second, "CertificateSigned", {"status": "Accepted"})
    assert again == ours[3]
    until(lambda: states() == ["INSTALLED"])
