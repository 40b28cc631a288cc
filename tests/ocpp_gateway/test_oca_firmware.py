"""OCA test cases of firmware management: updates and diagnostics."""

from datetime import timedelta
from typing import Any

from chargepoints.models import MaintenanceJob
from csms.common import clock
from ocpp_gateway.versions.timestamps import wire_time
from tests.ocpp_gateway.contract import Bench

FIRMWARE = "https://files.example.com/firmware.bin"
UPLOADS = "ftp://up.example.com/logs"


def job() -> tuple[str, str]:
    found = MaintenanceJob.objects.get()
    return found.state, found.progress


def updates(bench: Bench) -> None:
    """Ask for an update from now on."""
    at = clock.now()
    sent = bench.does(
        "update_firmware", "UpdateFirmware", {}, location=FIRMWARE, retrieve_at=at.isoformat()
    )
    assert sent == {"location": FIRMWARE, "retrieveDate": wire_time(at)}


def firmware(bench: Bench, *words: str) -> None:
    for word in words:
        assert bench.says("FirmwareStatusNotification", status=word) == {}
        assert job()[1] == word


def installs(bench: Bench, last: str) -> None:
    """The part from the finished download to the boot with the new firmware."""
    firmware(bench, "Downloading", "Downloaded")
    bench.reports("Unavailable")
    firmware(bench, "Installing")
    bench.boots()
    firmware(bench, last)


def test_TC_044_1_firmware_update_download_and_install(bench: Bench) -> None:
    updates(bench)
    installs(bench, "Installed")
    assert job() == ("DONE", "Installed")
    assert bench.connector().status == "Available"


def test_TC_044_2_firmware_update_download_failed(bench: Bench) -> None:
    updates(bench)
    firmware(bench, "Downloading", "DownloadFailed")
    assert job() == ("FAILED", "DownloadFailed")


def test_TC_044_3_firmware_update_installation_failed(bench: Bench) -> None:
    updates(bench)
    installs(bench, "InstallationFailed")
    assert job() == ("FAILED", "InstallationFailed")


def uploads(bench: Bench) -> None:
    until = clock.now()
    since = until - timedelta(hours=2)
    wanted: dict[str, Any] = {"location": UPLOADS, "retries": 1}
    sent = bench.does(
        "get_diagnostics",
        "GetDiagnostics",
        {"fileName": "diagnostics.zip"},
        since=since.isoformat(),
        until=until.isoformat(),
        retry_interval=1,
        **wanted,
    )
    times = {"startTime": wire_time(since), "stopTime": wire_time(until)}
    assert sent == {**wanted, **times, "retryInterval": 1}
    assert bench.says("DiagnosticsStatusNotification", status="Uploading") == {}
    assert job() == ("RUNNING", "Uploading")


def test_TC_045_1_get_diagnostics(bench: Bench) -> None:
    uploads(bench)
    assert bench.says("DiagnosticsStatusNotification", status="Uploaded") == {}
    assert job() == ("DONE", "Uploaded")
    assert MaintenanceJob.objects.get().file_name == "diagnostics.zip"


def test_TC_045_2_get_diagnostics_upload_failed(bench: Bench) -> None:
    uploads(bench)
    assert bench.says("DiagnosticsStatusNotification", status="UploadFailed") == {}
    assert job() == ("FAILED", "UploadFailed")
