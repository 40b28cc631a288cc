"""OCA test cases of the remote trigger."""

from typing import Any

from chargepoints.models import ConnectorStatusEvent, MaintenanceEvent, StationAnomaly
from tests.ocpp_gateway.contract import Bench
from tests.ocpp_gateway.payloads import meter_values
from transactions.models import Reading


def test_TC_054_trigger_message(bench: Bench) -> None:
    def triggers(message: str, **connector: Any) -> dict[str, Any]:
        return bench.does("trigger", "TriggerMessage", message=message, **connector)

    sent = triggers("MeterValues", connector_id=1)
    assert sent == {"requestedMessage": "MeterValues", "connectorId": 1}
    assert bench.says("MeterValues", **meter_values(1_234)) == {}
    assert Reading.objects.get().energy_wh == 1_234

    assert triggers("Heartbeat") == {"requestedMessage": "Heartbeat"}
    assert bench.says("Heartbeat")["currentTime"]

    sent = triggers("StatusNotification", connector_id=1)
    assert sent == {"requestedMessage": "StatusNotification", "connectorId": 1}
    bench.reports("Available")
    assert ConnectorStatusEvent.objects.get().connector == bench.connector()

    for message in ("DiagnosticsStatusNotification", "FirmwareStatusNotification"):
        assert triggers(message) == {"requestedMessage": message}
        assert bench.says(message, status="Idle") == {}
    assert MaintenanceEvent.objects.filter(status="Idle", job=None).count() == 2
    assert not StationAnomaly.objects.exists()


def test_TC_055_trigger_message_rejected(bench: Bench) -> None:
    sent = bench.does(
        "trigger", "TriggerMessage", refusal="Rejected", message="MeterValues", connector_id=1
    )
    assert sent == {"requestedMessage": "MeterValues", "connectorId": 1}
    assert not Reading.objects.exists()
