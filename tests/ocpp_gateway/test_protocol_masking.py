"""No secret reaches the message archive."""

import orjson
import pytest

from ocpp_gateway.protocol.masking import mask


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("ChangeConfiguration", {"key": "AuthorizationKey", "value": "HUSH"}),
        ("ChangeConfiguration", {"key": "authorization_key", "value": "HUSH"}),
        ("ChangeConfiguration", {"key": "VendorWifiPassword", "value": "HUSH"}),
        ("GetConfiguration", {"configurationKey": [{"key": "AuthorizationKey", "value": "HUSH"}]}),
        ("GetDiagnostics", {"location": "ftp://user:HUSH@files.example/d"}),
        ("UpdateFirmware", {"location": "https://x.example/fw?a=1&token=HUSH"}),
        ("DataTransfer", {"vendorId": "v", "data": {"apiKey": "HUSH"}}),
        ("SetNetworkProfile", {"connectionData": {"basicAuthPassword": "HUSH", "psk": "x"}}),
        (
            "SetVariables",
            {
                "setVariableData": [
                    {"variable": {"name": "BasicAuthPassword"}, "attributeValue": "HUSH"}
                ]
            },
        ),
        ("", {"key": "AuthorizationKey", "value": "HUSH"}),
    ],
)
def test_secrets_are_masked_and_the_frame_stays_a_frame(action: str, payload: object) -> None:
    text = orjson.dumps([2, "1", action, payload]).decode()
    masked = mask(text, action)
    assert "HUSH" not in masked
    assert orjson.loads(masked)[:3] == [2, "1", action]


def test_a_broken_frame_is_masked_too() -> None:
    text = '[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"HUSH'
    assert "HUSH" not in mask(text, "ChangeConfiguration")
    assert "HUSH" not in mask('{"password": "HU\\"SH", ftp://u:HUSH@x', "")


def test_what_holds_no_secret_stays_byte_for_byte() -> None:
    text = '[2,"1", "ChangeConfiguration", {"key":"HeartbeatInterval","value":"60"}]'
    assert mask(text, "ChangeConfiguration") is text
    assert mask("[3,  {}", "MeterValues") == "[3,  {}"


def test_what_no_database_takes_is_left_out() -> None:
    assert mask("a\x00b\ud800ก", "") == "ab?ก"
