"""Firmware, diagnostics and logs over the wire."""

from datetime import timedelta
from typing import Any

import pytest

from chargepoints.domain.states import CommandStatus
from chargepoints.models import MaintenanceEvent, MaintenanceJob, Station, StationAnomaly
from csms.common import clock
from csms.common.errors import InvalidInput
from ocpp_gateway.versions import V16
from ocpp_gateway.versions.timestamps import wire_time
from tests.ocpp_gateway.servers import Charger, until
from tests.ocpp_gateway.test_outbox import becomes, request
from tests.ocpp_gateway.test_v16_smart_charging import answer

PLACE = "https://files.example.com/firmware.bin"
SIGNED = {"location": PLACE, "signing_certificate": "PEM", "signature": "c2ln"}


def state() -> tuple[str, str]:
    job = MaintenanceJob.objects.get()
    return job.state, job.progress


def test_a_firmware_update_with_its_progress(socket: Charger, station: Station) -> None:
    command = request(station, "update_firmware", location=PLACE, retries=2, retry_interval=60)
    sent = answer(socket, "UpdateFirmware", {})
    assert wire_time(clock.now() - timedelta(minutes=1)) < sent.pop("retrieveDate")
    assert sent == {"location": PLACE, "retries": 2, "retryInterval": 60}
    becomes(command, CommandStatus.ACCEPTED)
    assert state() == ("ACCEPTED", "")
    for word, expected in (
        ("Downloading", "RUNNING"),
        ("DownloadFailed", "FAILED"),
        ("Downloading", "RUNNING"),
        ("Downloaded", "RUNNING"),
        ("Idle", "RUNNING"),
        ("Installing", "RUNNING"),
        ("Installed", "DONE"),
    ):
        assert socket.call("FirmwareStatusNotification", {"status": word}) == {}
        assert state() == (expected, word)
    assert socket.call("FirmwareStatusNotification", {"status": "Idle"}) == {}
    assert MaintenanceEvent.objects.count() == 8
    job = MaintenanceJob.objects.get()
    assert (job.ended_at is not None, job.events.count()) == (True, 7)
    assert not StationAnomaly.objects.exists()


def test_a_signed_update_replaces_the_one_before(socket: Charger, station: Station) -> None:
    for status in ("Accepted", "AcceptedCanceled"):
        command = request(station, "update_firmware", **SIGNED)
        sent = answer(socket, "SignedUpdateFirmware", {"status": status})
        becomes(command, CommandStatus.ACCEPTED)
    assert sent.pop("requestId") == 2
    assert set(sent.pop("firmware")) == {
        "location",
        "retrieveDateTime",
        "signingCertificate",
        "signature",
    }
    assert sent == {}
    for number, word in ((2, "SignatureVerified"), (1, "Downloading"), (2, "InvalidSignature")):
        report = {"status": word, "requestId": number}
        assert socket.call("SignedFirmwareStatusNotification", report) == {}
    states = dict(MaintenanceJob.objects.values_list("request_id", "state"))
    assert states == {1: "SUPERSEDED", 2: "FAILED"}


@pytest.mark.parametrize("status", ["InvalidCertificate", "Rejected", "RevokedCertificate"])
def test_a_refused_update(socket: Charger, station: Station, status: str) -> None:
    command = request(station, "update_firmware", **SIGNED)
    answer(socket, "SignedUpdateFirmware", {"status": status})
    assert becomes(command, CommandStatus.REJECTED).error == status
    assert state() == ("REJECTED", "")


def test_diagnostics(socket: Charger, station: Station) -> None:
    since = clock.now() - timedelta(days=1)
    request(station, "get_diagnostics", location="ftp://up.example.com", since=since.isoformat())
    ours = socket.receive()
    assert ours[2:] == [
        "GetDiagnostics",
        {"location": "ftp://up.example.com", "startTime": wire_time(since)},
    ]
    # Some chargers are faster than their own answer.
    socket.call("DiagnosticsStatusNotification", {"status": "Uploading"})
    socket.send([3, ours[1], {"fileName": "diagnostics.zip"}])
    until(lambda: MaintenanceJob.objects.filter(file_name="diagnostics.zip").exists())
    assert state() == ("RUNNING", "Uploading")
    socket.call("DiagnosticsStatusNotification", {"status": "UploadFailed"})
    assert state() == ("FAILED", "UploadFailed")
    socket.call("DiagnosticsStatusNotification", {"status": "Uploaded"})
    assert state() == ("DONE", "Uploaded")


def test_no_diagnostics(socket: Charger, station: Station) -> None:
    request(station, "get_diagnostics", location="ftp://up.example.com")
    answer(socket, "GetDiagnostics", {})
    until(lambda: state() == ("REJECTED", "NoFile"))


def test_a_security_log(socket: Charger, station: Station) -> None:
    request(station, "get_logs", location="sftp://up.example.com", log_type="security")
    sent = answer(socket, "GetLog", {"status": "Accepted", "filename": "log.txt"})
    assert sent == {
        "log": {"remoteLocation": "sftp://up.example.com"},
        "logType": "SecurityLog",
        "requestId": 1,
    }
    socket.call("LogStatusNotification", {"status": "Uploading", "requestId": 1})
    socket.call("LogStatusNotification", {"status": "PermissionDenied", "requestId": 1})
    assert state() == ("FAILED", "PermissionDenied")
    assert MaintenanceJob.objects.get().file_name == "log.txt"


@pytest.mark.parametrize(
    ("payload", "anomalies"),
    [
        ({"status": "Uploading", "requestId": 99}, {"maintenance_not_asked"}),
        ({"status": "Uploading", "requestId": 2**40}, {"maintenance_not_asked"}),
        ({"status": "Idle"}, set()),
        ({"status": "Half way", "requestId": "7"}, {"unknown_value", "wrong_type"}),
    ],
)
def test_what_nobody_asked_for_is_kept(
    socket: Charger, station: Station, payload: dict[str, Any], anomalies: set[str]
) -> None:
    assert socket.call("LogStatusNotification", payload) == {}
    event = MaintenanceEvent.objects.get()
    assert (event.status, event.job_id) == (payload["status"], None)
    until(lambda: set(StationAnomaly.objects.values_list("kind", flat=True)) == anomalies)


def test_an_unanswered_job_stays_open_and_an_expired_one_does_not(
    socket: Charger, station: Station
) -> None:
    first = request(station, "update_firmware", location=PLACE)
    ours = socket.receive()
    socket.send([4, ours[1], "InternalError", "", {}])
    becomes(first, CommandStatus.FAILED)
    assert state() == ("FAILED", "")


@pytest.mark.parametrize("message", ["LogStatusNotification", "SignChargePointCertificate"])
def test_the_extended_trigger(socket: Charger, station: Station, message: str) -> None:
    command = request(station, "trigger", message=message)
    sent = answer(socket, "ExtendedTriggerMessage", {"status": "Accepted"})
    assert sent == {"requestedMessage": message}
    becomes(command, CommandStatus.ACCEPTED)


@pytest.mark.parametrize(
    ("name", "parameters", "errors"),
    [
        ("update_firmware", {}, {("location", "required")}),
        ("update_firmware", {"location": "firmware.bin"}, {("location", "invalid")}),
        ("update_firmware", {**SIGNED, "signature": None}, {("signature", "required")}),
        ("update_firmware", {**SIGNED, "install_at": "later"}, {("install_at", "invalid")}),
        ("get_diagnostics", {"location": PLACE, "retries": -1}, {("retries", "invalid")}),
        ("get_logs", {"location": PLACE, "log_type": "all"}, {("log_type", "invalid_choice")}),
    ],
)
def test_wrong_parameters(
    name: str, parameters: dict[str, Any], errors: set[tuple[str, str]]
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        V16.build(name, parameters)
    assert {(error.field, error.code) for error in refusal.value.errors} == errors
