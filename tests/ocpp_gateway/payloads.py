"""What chargers say, as JSON objects."""

from typing import Any

from tests.ocpp_gateway.servers import (
    timestamp,
)


def meter_values(energy: int, **fields: Any) -> dict[str, Any]:
    sample = {"value": str(energy), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
    return {
        "connectorId": 1,
        "meterValue": [{"timestamp": timestamp(), "sampledValue": [sample]}],
        **fields,
    }


def status(name: str = "Available", connector: int = 1, **fields: Any) -> dict[str, Any]:
    return {"connectorId": connector, "errorCode": "NoError", "status": name, **fields}
