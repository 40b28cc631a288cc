"""What a charger's valid answer says, in neutral words."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from ocpp_gateway.versions.v16.charging import composite_schedule

Payload = dict[str, Any]


def outcome(
    action: str, request: Payload | None, response: Payload, received_at: datetime
) -> dict[str, Any]:
    """Return the content of a CALLRESULT to our request, both without secrets.

    `status` is 1.6's word, "" if the answer has none.
    """
    status = response.get("status")
    reader = _READERS.get(action)
    content = {} if reader is None else reader(request or {}, response, received_at)
    return {"status": status if isinstance(status, str) else "", **content}


def _changed_configuration(request: Payload, response: Payload, _at: datetime) -> dict[str, Any]:
    needs_reboot = response.get("status") == "RebootRequired"
    value = {"key": request["key"], "value": request["value"], "needs_reboot": needs_reboot}
    return {"values": [value]}


def _configuration(_request: Payload, response: Payload, _at: datetime) -> dict[str, Any]:
    values = [
        {
            "key": item["key"],
            "value": item.get("value"),
            "is_readonly": item.get("readonly", False),
        }
        for item in response.get("configurationKey") or ()
    ]
    return {"values": values, "unknown_keys": response.get("unknownKey") or []}


def _list_version(_request: Payload, response: Payload, _at: datetime) -> dict[str, Any]:
    return {"version": response["listVersion"]}


def _diagnostics(_request: Payload, response: Payload, _at: datetime) -> dict[str, Any]:
    return {"file_name": response.get("fileName") or ""}


def _log(_request: Payload, response: Payload, _at: datetime) -> dict[str, Any]:
    # Unlike GetDiagnostics an answer without a name does not mean that there is no file.
    return {"file_name": response.get("filename")}


def _certificates(_request: Payload, response: Payload, _at: datetime) -> dict[str, Any]:
    return {
        "certificates": [
            {
                "hash_algorithm": item["hashAlgorithm"],
                "issuer_name_hash": item["issuerNameHash"],
                "issuer_key_hash": item["issuerKeyHash"],
                "serial_number": item["serialNumber"],
            }
            for item in response.get("certificateHashData") or ()
        ]
    }


_READERS: Final[dict[str, Callable[[Payload, Payload, datetime], dict[str, Any]]]] = {
    "ChangeConfiguration": _changed_configuration,
    "GetCompositeSchedule": composite_schedule,
    "GetConfiguration": _configuration,
    "GetDiagnostics": _diagnostics,
    "GetInstalledCertificateIds": _certificates,
    "GetLocalListVersion": _list_version,
    "GetLog": _log,
}
