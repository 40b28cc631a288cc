"""OCA test cases of the security whitepaper that need no TLS; the others are beside this file."""

from typing import Any

import pytest
from cryptography import x509
from websockets.exceptions import ConnectionClosed

from chargepoints.models import (
    CertificateRequest,
    InstalledCertificate,
    MaintenanceJob,
    SecurityEvent,
    Station,
)
from chargepoints.services import authority
from csms.common import clock
from tests.ocpp_gateway.contract import ACCEPTED, Bench
from tests.ocpp_gateway.servers import GatewayServer, charger, timestamp
from tests.ocpp_gateway.test_v16_security import csr_of

HASHES = {"issuerNameHash": "a1", "issuerKeyHash": "b2", "serialNumber": "0C"}
FIRMWARE = {"location": "https://files.example.com/firmware.bin", "signature": "c2ln"}
UPLOADS = "https://up.example.com/logs"


def held(algorithm: str = "SHA256") -> dict[str, Any]:
    """What a charge point answers that holds one certificate."""
    return {**ACCEPTED, "certificateHashData": [{"hashAlgorithm": algorithm, **HASHES}]}


def installs(bench: Bench, kind: str, wire: str, algorithm: str = "SHA256") -> None:
    """Install a root; we ask by ourselves which certificates the charge point holds now."""
    root = authority.active(clock.now()).certificate
    sent = bench.does(
        "install_certificate", "InstallCertificate", certificate_type=kind, certificate=root
    )
    assert sent == {"certificateType": wire, "certificate": root}
    asked = bench.told("GetInstalledCertificateIds", held(algorithm))
    assert asked == {"certificateType": wire}


def lists(bench: Bench, kind: str, answer: dict[str, Any]) -> None:
    bench.does(
        "get_installed_certificates", "GetInstalledCertificateIds", answer, certificate_type=kind
    )


def reports(bench: Bench, event: str) -> None:
    notice = {"type": event, "timestamp": timestamp()}
    assert bench.says("SecurityEventNotification", **notice) == {}
    assert SecurityEvent.objects.get().type == event


def test_TC_075_1_install_certificate_manufacturer_root(bench: Bench) -> None:
    installs(bench, "manufacturer_root", "ManufacturerRootCertificate")
    lists(bench, "manufacturer_root", held())
    found = InstalledCertificate.objects.get()
    assert (found.type, found.serial_number) == ("manufacturer_root", "0C")


def test_TC_075_2_install_certificate_central_system_root(bench: Bench) -> None:
    installs(bench, "central_system_root", "CentralSystemRootCertificate")
    lists(bench, "central_system_root", held())
    assert InstalledCertificate.objects.get().type == "central_system_root"


@pytest.mark.parametrize("algorithm", ["SHA256", "SHA384", "SHA512"])
def test_TC_076_delete_a_specific_certificate(bench: Bench, algorithm: str) -> None:
    kind = "central_system_root"
    installs(bench, kind, "CentralSystemRootCertificate", algorithm)
    lists(bench, kind, held(algorithm))
    found = InstalledCertificate.objects.get()
    sent = bench.does(
        "delete_certificate",
        "DeleteCertificate",
        issuer_name_hash=found.issuer_name_hash,
        issuer_key_hash=found.issuer_key_hash,
        serial_number=found.serial_number,
    )
    assert sent == {"certificateHashData": {"hashAlgorithm": algorithm, **HASHES}}
    lists(bench, kind, {"status": "NotFound"})
    assert not InstalledCertificate.objects.exists()


def test_TC_077_invalid_charge_point_certificate_security_event(bench: Bench) -> None:
    asked = bench.does("trigger", "ExtendedTriggerMessage", message="SignChargePointCertificate")
    assert asked == {"requestedMessage": "SignChargePointCertificate"}
    assert bench.says("SignCertificate", csr=csr_of(bench.station)) == ACCEPTED
    sent = bench.told("CertificateSigned", {"status": "Rejected"})
    leaf, *_issuers = x509.load_pem_x509_certificates(sent["certificateChain"].encode())
    assert bench.station.identity in leaf.subject.rfc4514_string()
    reports(bench, "InvalidChargePointCertificate")
    assert CertificateRequest.objects.get().state == "REJECTED"
    assert SecurityEvent.objects.get().is_critical


def test_TC_078_invalid_central_system_certificate_security_event(bench: Bench) -> None:
    root = authority.active(clock.now()).certificate
    kind = "central_system_root"
    bench.does(
        "install_certificate",
        "InstallCertificate",
        refusal="Rejected",
        certificate_type=kind,
        certificate=root,
    )
    reports(bench, "InvalidCentralSystemCertificate")
    assert not InstalledCertificate.objects.exists()
    assert SecurityEvent.objects.get().is_critical


def test_TC_079_get_security_log(bench: Bench) -> None:
    answer = {**ACCEPTED, "filename": "security.log"}
    sent = bench.does("get_logs", "GetLog", answer, location=UPLOADS, log_type="security")
    number = sent.pop("requestId")
    assert sent == {"logType": "SecurityLog", "log": {"remoteLocation": UPLOADS}}
    for word in ("Uploading", "Uploaded"):
        assert bench.says("LogStatusNotification", status=word, requestId=number) == {}
    job = MaintenanceJob.objects.get()
    assert (job.state, job.progress, job.file_name) == ("DONE", "Uploaded", "security.log")


def secure_update(bench: Bench, *words: str) -> int:
    """Ask for a signed update and report `words`; the number of the update."""
    at = clock.now().isoformat()
    wanted: dict[str, Any] = {**FIRMWARE, "signing_certificate": "PEM", "retrieve_at": at}
    sent = bench.does("update_firmware", "SignedUpdateFirmware", **wanted)
    number: int = sent["requestId"]
    assert sent["firmware"].pop("retrieveDateTime")
    assert sent["firmware"] == {**FIRMWARE, "signingCertificate": "PEM"}
    for word in words:
        progresses(bench, number, word)
    return number


def progresses(bench: Bench, number: int, word: str) -> None:
    report = {"status": word, "requestId": number}
    assert bench.says("SignedFirmwareStatusNotification", **report) == {}
    assert MaintenanceJob.objects.get().progress == word


def test_TC_080_secure_firmware_update(bench: Bench) -> None:
    number = secure_update(bench, "Downloading", "Downloaded", "SignatureVerified")
    bench.reports("Unavailable", 0)
    bench.reports("Unavailable")
    for word in ("Installing", "InstallRebooting"):
        progresses(bench, number, word)
    bench.boots()
    reports(bench, "FirmwareUpdated")
    progresses(bench, number, "Installed")
    assert MaintenanceJob.objects.get().state == "DONE"
    assert bench.connector().status == "Available"


def test_TC_081_secure_firmware_update_invalid_signature(bench: Bench) -> None:
    secure_update(bench, "Downloading", "Downloaded", "InvalidSignature")
    reports(bench, "InvalidFirmwareSignature")
    assert MaintenanceJob.objects.get().state == "FAILED"
    assert SecurityEvent.objects.get().is_critical


def test_TC_088_websocket_subprotocol_negotiation(server: GatewayServer, station: Station) -> None:
    with charger(server, station, subprotocols=["ocpp0.1"]) as refused:
        # The tool's document has it refused before the upgrade. OCPP-J 1.6 §3.1.2 has the handshake
        # completed without a subprotocol and the connection closed at once: so it is done here.
        assert refused.connection.subprotocol is None
        with pytest.raises(ConnectionClosed):
            refused.receive()
    with charger(server, station, subprotocols=["ocpp0.1", "ocpp1.6"]) as socket:
        assert socket.connection.response is not None
        assert socket.connection.response.headers["Sec-WebSocket-Protocol"] == "ocpp1.6"
        Bench(socket, station).boots()
