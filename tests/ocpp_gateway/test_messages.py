"""Every message of OCPP 1.6 and of its security whitepaper, spoken once over a real socket."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from chargepoints.domain.states import CommandStatus
from chargepoints.models import CertificateRequest, SecurityEvent, Station
from csms.common import clock
from ocpp_gateway.models import Message
from ocpp_gateway.protocol.rules import RULES
from ocpp_gateway.versions import V16
from ocpp_gateway.versions.timestamps import wire_time
from tests.ocpp_gateway.payloads import meter_values, status
from tests.ocpp_gateway.servers import BOOT, Charger, start_of, stop_of, timestamp, until
from tests.ocpp_gateway.test_outbox import becomes, request
from tests.ocpp_gateway.test_v16_maintenance import PLACE, SIGNED
from tests.ocpp_gateway.test_v16_security import HASHES, csr_of
from tests.ocpp_gateway.test_v16_smart_charging import composite_of
from tests.support.factories import make_id_token
from transactions.domain.states import ReservationState
from transactions.models import Reservation

ACCEPTED = {"status": "Accepted"}
LOGS = "https://files.example.com/logs/"
CERTIFICATE = {
    "hash_algorithm": "sha256",
    "issuer_name_hash": "aa",
    "issuer_key_hash": "bb",
    "serial_number": "01",
}

# What the charger sends, and the fields of our answer.
FROM_CHARGER: dict[str, tuple[dict[str, Any], set[str]]] = {
    "Authorize": ({"idTag": "CARD"}, {"idTagInfo"}),
    "BootNotification": (BOOT, {"status", "currentTime", "interval"}),
    "DataTransfer": ({"vendorId": "com.example"}, {"status"}),
    "DiagnosticsStatusNotification": ({"status": "Uploaded"}, set()),
    "FirmwareStatusNotification": ({"status": "Installed"}, set()),
    "Heartbeat": ({}, {"currentTime"}),
    "LogStatusNotification": ({"status": "Uploading", "requestId": 1}, set()),
    "MeterValues": (meter_values(5), set()),
    "SecurityEventNotification": ({"type": "TamperDetectionActivated"}, set()),
    "SignCertificate": ({}, {"status"}),
    "SignedFirmwareStatusNotification": ({"status": "Downloading", "requestId": 1}, set()),
    "StartTransaction": (start_of("CARD", 0), {"transactionId", "idTagInfo"}),
    "StatusNotification": (status(), set()),
    "StopTransaction": (stop_of(1, 5, idTag="CARD"), {"idTagInfo"}),
}

# The command, its parameters, and what the charger answers.
TO_CHARGER: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "ChangeAvailability": ("change_availability", {"available": False}, ACCEPTED),
    "ChangeConfiguration": (
        "set_configuration",
        {"key": "HeartbeatInterval", "value": "60"},
        ACCEPTED,
    ),
    "ClearCache": ("clear_cache", {}, ACCEPTED),
    "ClearChargingProfile": ("clear_charging_limit", {"connector_id": 1}, ACCEPTED),
    "DataTransfer": ("data_transfer", {"vendor_id": "com.example"}, ACCEPTED),
    "DeleteCertificate": ("delete_certificate", CERTIFICATE, ACCEPTED),
    "ExtendedTriggerMessage": ("trigger", {"message": "LogStatusNotification"}, ACCEPTED),
    "GetCompositeSchedule": ("get_composite_schedule", {"connector_id": 1}, composite_of(16)),
    "GetConfiguration": ("get_configuration", {}, {"configurationKey": []}),
    "GetDiagnostics": ("get_diagnostics", {"location": LOGS}, {"fileName": "logs.zip"}),
    "GetInstalledCertificateIds": (
        "get_installed_certificates",
        {"certificate_type": "central_system_root"},
        {**ACCEPTED, "certificateHashData": [HASHES]},
    ),
    "GetLocalListVersion": ("get_local_list_version", {}, {"listVersion": 0}),
    "GetLog": ("get_logs", {"location": LOGS}, ACCEPTED),
    "RemoteStartTransaction": ("start_charging", {"id_token": "CARD"}, ACCEPTED),
    "RemoteStopTransaction": ("stop_charging", {"transaction_id": "1"}, ACCEPTED),
    "Reset": ("reset", {"type": "soft"}, ACCEPTED),
    "SendLocalList": ("send_local_list", {}, ACCEPTED),
    "SetChargingProfile": ("set_charging_limit", {"connector_id": 1, "limit": 16}, ACCEPTED),
    "SignedUpdateFirmware": ("update_firmware", SIGNED, ACCEPTED),
    "TriggerMessage": ("trigger", {"message": "Heartbeat"}, ACCEPTED),
    "UnlockConnector": ("unlock", {"connector_id": 1}, {"status": "Unlocked"}),
    "UpdateFirmware": ("update_firmware", {"location": PLACE}, {}),
}
# These need something before them and have a test of their own below.
WITH_A_STORY = {"CancelReservation", "CertificateSigned", "InstallCertificate", "ReserveNow"}


def test_message_tables_are_complete() -> None:
    assert FROM_CHARGER.keys() == RULES["1.6"].incoming
    assert TO_CHARGER.keys() | WITH_A_STORY == V16.actions


@pytest.mark.parametrize("action", sorted(FROM_CHARGER))
def test_message_from_the_charger_is_answered_and_archived(
    socket: Charger, station: Station, action: str
) -> None:
    payload, fields = FROM_CHARGER[action]
    if action == "SignCertificate":
        payload = {"csr": csr_of(station)}
    elif action == "SecurityEventNotification":
        payload = {**payload, "timestamp": timestamp()}
    assert set(socket.call(action, payload, "the-one")) == fields
    rows = Message.objects.filter(message_id="the-one", action=action)
    until(lambda: rows.count() == 2)
    assert set(rows.values_list("direction", "type")) == {("IN", "CALL"), ("OUT", "CALLRESULT")}
    assert SecurityEvent.objects.exists() == (action == "SecurityEventNotification")


@pytest.mark.parametrize("action", sorted(TO_CHARGER))
def test_message_to_the_charger_goes_out_and_its_answer_ends_the_command(
    socket: Charger, station: Station, action: str
) -> None:
    make_id_token("CARD")
    name, parameters, reply = TO_CHARGER[action]
    if name == "stop_charging":
        parameters = {"transaction_id": str(socket.start()["transactionId"])}
    command = request(station, name, **parameters)
    ours = socket.receive()
    assert (ours[0], ours[2]) == (2, action)
    socket.send([3, ours[1], reply])
    becomes(command, CommandStatus.ACCEPTED)
    assert command.response == reply


def test_message_reserve_and_cancel(socket: Charger, station: Station) -> None:
    make_id_token("CARD")
    until_then = wire_time(clock.now() + timedelta(hours=1))
    asked = request(station, "reserve", id_token="CARD", connector_id=1, expires_at=until_then)
    ours = socket.receive()
    assert ours[2] == "ReserveNow"
    socket.send([3, ours[1], ACCEPTED])
    becomes(asked, CommandStatus.ACCEPTED)
    number = ours[3]["reservationId"]
    assert Reservation.objects.get().state == ReservationState.ACTIVE
    cancelled = request(station, "cancel_reservation", reservation_id=number)
    ours = socket.receive()
    assert ours[2:] == ["CancelReservation", {"reservationId": number}]
    socket.send([3, ours[1], ACCEPTED])
    becomes(cancelled, CommandStatus.ACCEPTED)
    assert Reservation.objects.get().state == ReservationState.CANCELLED


def test_message_certificate_signed_and_installed(socket: Charger, station: Station) -> None:
    assert socket.call("SignCertificate", {"csr": csr_of(station)}) == ACCEPTED
    ours = socket.receive()
    assert ours[2] == "CertificateSigned"
    socket.send([3, ours[1], ACCEPTED])
    until(lambda: CertificateRequest.objects.get().state == "INSTALLED")
    root = x509.load_pem_x509_certificates(ours[3]["certificateChain"].encode())[-1]
    pem = root.public_bytes(serialization.Encoding.PEM).decode()
    command = request(
        station, "install_certificate", certificate_type="central_system_root", certificate=pem
    )
    ours = socket.receive()
    assert ours[2:] == [
        "InstallCertificate",
        {"certificateType": "CentralSystemRootCertificate", "certificate": pem},
    ]
    socket.send([3, ours[1], ACCEPTED])
    becomes(command, CommandStatus.ACCEPTED)
