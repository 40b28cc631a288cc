"""Neutral commands as OCPP 1.6 requests, and what the charger's answers mean."""

from typing import Any

import pytest

from chargepoints.domain.states import CommandStatus
from csms.common.errors import InvalidInput
from ocpp_gateway.protocol import validation
from ocpp_gateway.versions import ADAPTERS, V16, adapter_for

PROFILE = {
    "chargingProfileId": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": {
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 21.4}],
    },
}


def test_versions_are_found_by_subprotocol() -> None:
    assert adapter_for("ocpp1.6") is V16
    assert adapter_for("ocpp1.5") is None
    assert all(name == adapter.subprotocol for name, adapter in ADAPTERS.items())


@pytest.mark.parametrize(
    ("name", "parameters", "action", "payload"),
    [
        ("start_charging", {"id_token": "T"}, "RemoteStartTransaction", {"idTag": "T"}),
        (
            "start_charging",
            {"connector_id": 2, "id_token": "T", "charging_profile": PROFILE},
            "RemoteStartTransaction",
            {"connectorId": 2, "idTag": "T", "chargingProfile": PROFILE},
        ),
        (
            "start_charging",
            {"evse_id": 2, "connector_id": 1, "id_token": "T"},
            "RemoteStartTransaction",
            {"connectorId": 2, "idTag": "T"},
        ),
        ("stop_charging", {"transaction_id": "7"}, "RemoteStopTransaction", {"transactionId": 7}),
        ("reset", {"type": "soft"}, "Reset", {"type": "Soft"}),
        ("reset", {"type": "Hard"}, "Reset", {"type": "Hard"}),
        ("unlock", {"connector_id": 1}, "UnlockConnector", {"connectorId": 1}),
        (
            "change_availability",
            {"available": False},
            "ChangeAvailability",
            {"connectorId": 0, "type": "Inoperative"},
        ),
        (
            "change_availability",
            {"connector_id": 3, "available": True},
            "ChangeAvailability",
            {"connectorId": 3, "type": "Operative"},
        ),
        (
            "set_configuration",
            {"key": "K", "value": ""},
            "ChangeConfiguration",
            {"key": "K", "value": ""},
        ),
        ("get_configuration", {}, "GetConfiguration", {}),
        ("get_configuration", {"keys": ["A", "B"]}, "GetConfiguration", {"key": ["A", "B"]}),
        ("clear_cache", {}, "ClearCache", {}),
        (
            "data_transfer",
            {"vendor_id": "V", "message_id": "m", "data": "d"},
            "DataTransfer",
            {"vendorId": "V", "messageId": "m", "data": "d"},
        ),
        (
            "trigger",
            {"message": "StatusNotification", "connector_id": None},
            "TriggerMessage",
            {"requestedMessage": "StatusNotification"},
        ),
        (
            "ocpp",
            {"action": "GetDiagnostics", "payload": {"location": "ftp://x"}},
            "GetDiagnostics",
            {"location": "ftp://x"},
        ),
    ],
)
def test_commands_become_requests(
    name: str, parameters: dict[str, Any], action: str, payload: dict[str, Any]
) -> None:
    outgoing = V16.build(name, parameters)
    assert (outgoing.action, outgoing.payload) == (action, payload)
    assert validation.violations("1.6", action, payload) == []


@pytest.mark.parametrize(
    ("name", "parameters", "errors"),
    [
        ("start_charging", {}, {("id_token", "required")}),
        ("start_charging", {"id_token": "T" * 21}, {("id_token", "max_length")}),
        (
            "start_charging",
            {"id_token": 5, "connector_id": 0},
            {("id_token", "invalid"), ("connector_id", "invalid")},
        ),
        (
            "start_charging",
            {"id_token": "T", "charging_profile": {**PROFILE, "stackLevel": "x"}},
            {("charging_profile.stackLevel", "invalid")},
        ),
        (
            "start_charging",
            {"id_token": "T", "evse_id": 2, "connector_id": 3},
            {("connector_id", "invalid")},
        ),
        ("stop_charging", {"transaction_id": "x"}, {("transaction_id", "invalid")}),
        ("stop_charging", {"transaction_id": True}, {("transaction_id", "invalid")}),
        ("reset", {"type": "warm"}, {("type", "invalid_choice")}),
        ("unlock", {"connector_id": 1, "colour": 1}, {("colour", "unknown")}),
        ("change_availability", {"available": "yes"}, {("available", "invalid")}),
        ("set_configuration", {"key": "K", "value": "v" * 501}, {("value", "max_length")}),
        ("get_configuration", {"keys": "A"}, {("keys", "invalid")}),
        ("get_configuration", {"keys": ["A", "B" * 51]}, {("keys[1]", "max_length")}),
        ("trigger", {"message": "Everything"}, {("message", "invalid_choice")}),
        ("self_destruct", {}, {("command", "unsupported")}),
        ("ocpp", {}, {("action", "invalid_choice")}),
        ("ocpp", {"action": "Heartbeat"}, {("action", "invalid_choice")}),
        ("ocpp", {"action": "Reset", "payload": []}, {("payload", "invalid")}),
        (
            "start_charging",
            {"id_token": "T", "charging_profile": {**PROFILE, "stackLevel": 10**30}},
            {("charging_profile.stackLevel", "invalid")},
        ),
        (
            "ocpp",
            {"action": "RemoteStopTransaction", "payload": {"transactionId": 2**64}},
            {("payload.transactionId", "invalid")},
        ),
        (
            "ocpp",
            {
                "action": "SendLocalList",
                "payload": {"listVersion": -(2**63) - 1, "updateType": "Full"},
            },
            {("payload.listVersion", "invalid")},
        ),
        (
            "ocpp",
            {
                "action": "RemoteStartTransaction",
                "payload": {
                    "idTag": "T",
                    "chargingProfile": {
                        **PROFILE,
                        "chargingSchedule": {
                            "chargingRateUnit": "A",
                            "chargingSchedulePeriod": [{"startPeriod": 10**30, "limit": 6}],
                        },
                    },
                },
            },
            {
                (
                    "payload.chargingProfile.chargingSchedule"
                    ".chargingSchedulePeriod[0].startPeriod",
                    "invalid",
                )
            },
        ),
        (
            "ocpp",
            {"action": "Reset", "payload": {"kind": 1}},
            {("payload.type", "required"), ("payload.kind", "unknown")},
        ),
    ],
)
def test_wrong_parameters_are_named(
    name: str, parameters: dict[str, Any], errors: set[tuple[str, str]]
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        V16.build(name, parameters)
    assert {(error.field, error.code) for error in refusal.value.errors} == errors
    assert all(error.detail for error in refusal.value.errors)


@pytest.mark.parametrize(
    ("action", "response", "status", "error"),
    [
        ("RemoteStartTransaction", {"status": "Accepted"}, "ACCEPTED", ""),
        ("RemoteStartTransaction", {"status": "Rejected"}, "REJECTED", "Rejected"),
        ("UnlockConnector", {"status": "Unlocked"}, "ACCEPTED", ""),
        ("UnlockConnector", {"status": "UnlockFailed"}, "REJECTED", "UnlockFailed"),
        ("ChangeAvailability", {"status": "Scheduled"}, "ACCEPTED", ""),
        ("ChangeConfiguration", {"status": "RebootRequired"}, "ACCEPTED", ""),
        ("ChangeConfiguration", {"status": "NotSupported"}, "REJECTED", "NotSupported"),
        ("DataTransfer", {"status": "UnknownVendorId"}, "REJECTED", "UnknownVendorId"),
        ("TriggerMessage", {"status": "NotImplemented"}, "REJECTED", "NotImplemented"),
        ("GetConfiguration", {"unknownKey": ["x"]}, "ACCEPTED", ""),
        ("GetLocalListVersion", {"listVersion": 3}, "ACCEPTED", ""),
        ("Reset", {"status": "Scheduled"}, "FAILED", "answered, invalid: status"),
        ("Reset", {}, "FAILED", "answered, invalid: status"),
        ("Reset", None, "FAILED", "answered, invalid: payload"),
        ("Reset", {"status": None}, "FAILED", "answered, invalid: status"),
        ("GetLocalListVersion", {"listVersion": None}, "FAILED", "answered, invalid: listVersion"),
        ("GetConfiguration", {"configurationKey": None, "unknownKey": None}, "ACCEPTED", ""),
        (
            "GetConfiguration",
            {"configurationKey": [{"key": "K", "readonly": True, "value": None}]},
            "ACCEPTED",
            "",
        ),
        (
            "GetConfiguration",
            {"configurationKey": [None]},
            "FAILED",
            "answered, invalid: configurationKey[0]",
        ),
        (
            "GetConfiguration",
            {"configurationKey": [{"key": None, "readonly": True}]},
            "FAILED",
            "answered, invalid: configurationKey[0].key",
        ),
        (
            "GetCompositeSchedule",
            {
                "status": "Accepted",
                "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": None},
            },
            "FAILED",
            "answered, invalid: chargingSchedule.chargingSchedulePeriod",
        ),
        (
            "GetInstalledCertificateIds",
            {"status": "Accepted", "certificateHashData": [None]},
            "FAILED",
            "answered, invalid: certificateHashData[0]",
        ),
    ],
)
def test_case_29_what_an_answer_means(action: str, response: Any, status: str, error: str) -> None:
    found, text = V16.interpret(action, response)
    assert found is CommandStatus(status)
    assert text.startswith(error)
    assert bool(text) == bool(error)


def test_what_a_callerror_means() -> None:
    assert V16.interpret_error("NotSupported", "") == (CommandStatus.REJECTED, "NotSupported")
    failed = V16.interpret_error("InternalError", "out of memory")
    assert failed == (CommandStatus.FAILED, "InternalError: out of memory")
    assert V16.interpret_error("", "") == (CommandStatus.FAILED, "CALLERROR")


def test_what_moves_energy_is_never_resent() -> None:
    moving = {action for action in V16.actions if V16.is_energy_moving(action)}
    assert {"RemoteStartTransaction", "RemoteStopTransaction", "UnlockConnector", "Reset"} < moving
    assert not moving & {"GetConfiguration", "TriggerMessage", "ClearCache", "GetDiagnostics"}
