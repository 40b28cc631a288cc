"""The sans-I/O core of one socket: cases 18 to 32 of the OCPP requirements."""

import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from ocpp_gateway.protocol.connection import (
    REMEMBERED_CALLS,
    REPEAT_WINDOW,
    Connection,
    IncomingCall,
    IncomingError,
    IncomingResult,
    Received,
    Rejected,
    Repeated,
)
from ocpp_gateway.protocol.errors import CallInFlight, ErrorCode, NotRegistered

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TIMEOUT = timedelta(seconds=60)
BOOT = {"chargePointVendor": "V", "chargePointModel": "M"}
START = {
    "connectorId": 1,
    "idTag": "TAG",
    "meterStart": 100,
    "timestamp": "2026-11-20T12:00:00Z",
}
STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}


@pytest.fixture
def connection() -> Connection:
    return Connection("1.6", "Accepted")


def frame(*parts: Any) -> str:
    return orjson.dumps(parts).decode()


def call(
    connection: Connection, message_id: str, action: str, payload: Any, at: datetime = NOW
) -> Received:
    return connection.receive_text(frame(2, message_id, action, payload), at)


def accept(connection: Connection, message_id: str, action: str, payload: Any) -> IncomingCall:
    received = call(connection, message_id, action, payload)
    assert isinstance(received, IncomingCall), received
    return received


def error_of(received: Received) -> tuple[str, str]:
    """Return the id and code of the CALLERROR that a rejected frame is answered with."""
    assert isinstance(received, Rejected)
    assert received.reply_text is not None
    kind, message_id, code, description, details = orjson.loads(received.reply_text)
    assert (kind, code, details) == (4, received.code, {})
    assert isinstance(description, str)
    return message_id, code


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        "{}",
        "[]",
        "null",
        "[9,1,2]",
        '["2","1","Heartbeat",{}]',
        "[2.0,null]",
        "[true,1]",
        "[2,NaN]",
        "[" * 3000 + "]" * 3000,
        '[2,"1","Heartbeat",' + '{"a":' * 40 + "1" + "}" * 41,
        '[2,"1","Heartbeat",' + "[" * 40 + "]" * 41,
        '[2,"1","Heartbeat",{"a":"\\ud800"}]',
        '[2,"1","Heartbeat",{"a":"\ud800"}]',
        "\x00",
    ],
)
def test_case_18_what_is_no_frame_is_logged_and_not_answered(
    connection: Connection, text: str
) -> None:
    received = connection.receive_text(text, NOW)
    assert isinstance(received, Rejected)
    assert received.reply_text is None
    assert received.reason
    assert isinstance(call(connection, "1", "Heartbeat", {}), IncomingCall)


@pytest.mark.parametrize("action", ["Heartbeat", "MeterValues", "StopTransaction"])
@pytest.mark.parametrize("rest", [",null]", "]"])
def test_case_19_and_46_a_heartbeat_and_what_is_repeated_for_ever_need_no_payload(
    connection: Connection, action: str, rest: str
) -> None:
    received = connection.receive_text(f'[2,"1","{action}"{rest}', NOW)
    assert isinstance(received, IncomingCall)
    assert received.payload == {}


ODD: tuple[Any, ...] = ("much", "", None, True, [], {}, 1e300, 2**64 - 1, -(2**63))


@pytest.mark.parametrize(
    ("action", "payload", "field"),
    [
        ("StartTransaction", START, "connectorId"),
        ("StartTransaction", START, "idTag"),
        ("StartTransaction", START, "meterStart"),
        ("StartTransaction", START, "timestamp"),
        ("MeterValues", {"connectorId": 1, "meterValue": []}, "connectorId"),
        ("StopTransaction", {"transactionId": 5, "meterStop": 1, "timestamp": ""}, "transactionId"),
    ],
)
def test_case_46_no_field_of_a_transaction_is_refused(
    connection: Connection, action: str, payload: dict[str, Any], field: str
) -> None:
    without = {name: value for name, value in payload.items() if name != field}
    for number, odd in enumerate([without, *({**payload, field: value} for value in ODD)]):
        received = call(connection, str(number), action, odd)
        assert isinstance(received, IncomingCall), (odd, received)


@pytest.mark.parametrize(
    ("action", "payload", "code"),
    [
        ("StartTransaction", None, "FormationViolation"),
        ("BootNotification", [], "FormationViolation"),
        ("StartTransaction", "x", "FormationViolation"),
        ("StopTransaction", "x", "FormationViolation"),
        ("Authorize", {"idTag": None}, "TypeConstraintViolation"),
        ("Authorize", {"idTag": "x" * 256}, "PropertyConstraintViolation"),
        ("StatusNotification", {**STATUS, "connectorId": True}, "TypeConstraintViolation"),
        ("StatusNotification", {**STATUS, "connectorId": -1}, "PropertyConstraintViolation"),
        ("StatusNotification", {"connectorId": 1}, "OccurenceConstraintViolation"),
        ("BootNotification", {"chargePointVendor": "V"}, "OccurenceConstraintViolation"),
        ("StatusNotification", {**STATUS, "status": "Sleeping"}, "PropertyConstraintViolation"),
    ],
)
def test_case_19_a_violation_has_the_code_of_1_6_and_names_the_field(
    connection: Connection, action: str, payload: Any, code: str
) -> None:
    received = call(connection, "7", action, payload)
    assert error_of(received) == ("7", code)
    assert isinstance(received, Rejected)
    assert received.action == action
    field = received.reason.split(":")[0]
    assert field == "payload" or field[0].islower()


@pytest.mark.parametrize("message_id", [None, 5, "x" * 37, "", ["1"]])
def test_case_20_an_unusable_message_id_is_answered_without_echo(
    connection: Connection, message_id: Any
) -> None:
    text = frame(2, message_id, "Heartbeat", {})
    assert error_of(connection.receive_text(text, NOW)) == ("-1", "FormationViolation")


@pytest.mark.parametrize(
    "text", ['[2,"ab"]', '[2,"ab",5,{}]', '[2,"ab",null,{}]', '[2,"ab","Heartbeat",{},1]']
)
def test_case_20_a_readable_message_id_is_echoed(connection: Connection, text: str) -> None:
    assert error_of(connection.receive_text(text, NOW)) == ("ab", "FormationViolation")
    longest = "x" * 36
    assert error_of(call(connection, longest, "Nonsense", {}))[0] == longest


@pytest.mark.parametrize(
    ("action", "code"),
    [
        ("Nonsense", "NotImplemented"),
        ("../../secrets", "NotImplemented"),
        ("TransactionEvent", "NotImplemented"),
        ("Reset", "NotSupported"),
        ("CertificateSigned", "NotSupported"),
    ],
)
def test_case_21_unknown_and_unsupported_actions(
    connection: Connection, action: str, code: str
) -> None:
    assert error_of(call(connection, "1", action, {})) == ("1", code)


def test_case_22_a_repeated_call_gets_the_same_answer_once(connection: Connection) -> None:
    first = accept(connection, "1", "StartTransaction", START)
    assert call(connection, "1", "StartTransaction", START) == Repeated(
        None, "1", "StartTransaction"
    )
    text = connection.answer(first, {"transactionId": 5, "idTagInfo": {"status": "Accepted"}})
    repeated = call(connection, "1", "StartTransaction", START)
    assert repeated == Repeated(text, "1", "StartTransaction")


def test_case_22_after_a_failure_a_repetition_is_tried_again(connection: Connection) -> None:
    first = accept(connection, "1", "StartTransaction", START)
    text = connection.fail(first, ErrorCode.INTERNAL_ERROR, "x" * 300)
    assert orjson.loads(text) == [4, "1", "InternalError", "x" * 255, {}]
    accept(connection, "1", "StartTransaction", START)


def test_case_22_old_answers_are_forgotten(connection: Connection) -> None:
    connection.answer(accept(connection, "1", "Heartbeat", {}), {"currentTime": NOW})
    later = call(connection, "1", "Heartbeat", {}, NOW + timedelta(seconds=11))
    assert isinstance(later, IncomingCall), "a charger with a constant id needs the time of now"
    accept(connection, "s", "StartTransaction", START)
    late = call(connection, "s", "StartTransaction", START, NOW + REPEAT_WINDOW * 2)
    assert isinstance(late, IncomingCall)


def test_case_23_an_id_with_other_content_is_a_new_message(connection: Connection) -> None:
    first = accept(connection, "1", "StartTransaction", START)
    other = accept(connection, "1", "StartTransaction", {**START, "connectorId": 2})
    accept(connection, "1", "Heartbeat", {})
    # The answer to an overtaken CALL must not become the answer to the one that took its id.
    connection.answer(first, {"transactionId": 1, "idTagInfo": {"status": "Accepted"}})
    connection.answer(other, {"transactionId": 2, "idTagInfo": {"status": "Accepted"}})
    assert call(connection, "1", "Heartbeat", {}) == Repeated(None, "1", "Heartbeat")


def test_case_23_a_new_socket_knows_no_old_ids(connection: Connection) -> None:
    accept(connection, "1", "StartTransaction", START)
    accept(Connection("1.6"), "1", "StartTransaction", START)


def test_case_25_the_charger_calls_while_our_call_is_open(connection: Connection) -> None:
    connection.open_call("m", "Reset", {"type": "Soft"}, NOW)
    assert connection.in_flight == "m"
    accept(connection, "1", "Heartbeat", {})
    with pytest.raises(CallInFlight):
        connection.open_call("n", "ClearCache", {}, NOW)
    result = connection.receive_text('[3,"m",{"status":"Accepted"}]', NOW)
    assert result == IncomingResult("m", {"status": "Accepted"}, "Reset")
    assert connection.may_send("ClearCache")


def test_case_26_a_second_call_before_our_answer_is_taken(connection: Connection) -> None:
    calls = [accept(connection, str(i), "Heartbeat", {}) for i in range(REMEMBERED_CALLS * 3)]
    for number, waiting in enumerate(calls):
        text = connection.answer(waiting, {"currentTime": NOW})
        assert orjson.loads(text) == [3, str(number), {"currentTime": "2026-11-20T12:00:00Z"}]


def test_case_27_an_answer_after_the_timeout_is_late(connection: Connection) -> None:
    connection.open_call("m", "GetConfiguration", {}, NOW)
    assert connection.expire_call(NOW + timedelta(seconds=59), TIMEOUT) is None
    assert connection.expire_call(NOW + TIMEOUT, TIMEOUT) == "m"
    assert connection.expire_call(NOW + TIMEOUT, TIMEOUT) is None
    connection.open_call("n", "ClearCache", {}, NOW)
    late = connection.receive_text('[3,"m",{"unknownKey":[]}]', NOW)
    assert late == IncomingResult("m", {"unknownKey": []}, "GetConfiguration", is_late=True)
    assert connection.in_flight == "n"
    again = connection.receive_text('[3,"m",{}]', NOW)
    assert again == IncomingResult("m", {}, unsolicited=True)


def test_case_27_expired_ids_are_bounded(connection: Connection) -> None:
    for number in range(100):
        connection.open_call(str(number), "ClearCache", {}, NOW)
        connection.expire_call(NOW + TIMEOUT, TIMEOUT)
    oldest = connection.receive_text('[3,"0",{"status":"Accepted"}]', NOW)
    newest = connection.receive_text('[3,"99",{"status":"Accepted"}]', NOW)
    assert isinstance(oldest, IncomingResult)
    assert isinstance(newest, IncomingResult)
    assert (oldest.unsolicited, newest.is_late) == (True, True)


def test_case_28_answers_that_nobody_asked_for(connection: Connection) -> None:
    connection.open_call("m", "ClearCache", {}, NOW)
    received = connection.receive_text(frame(3, "z" * 90, {}), NOW)
    assert received == IncomingResult("z" * 36, {}, unsolicited=True)
    assert isinstance(connection.receive_text("[3,null,{}]", NOW), Rejected)
    assert isinstance(connection.receive_text("[4]", NOW), Rejected)
    assert connection.in_flight == "m"


@pytest.mark.parametrize(
    ("parts", "code", "description", "details"),
    [
        (["NotSupported", "no", {}], "NotSupported", "no", {}),
        ([None, None, None], "", "", None),
        ([], "", "", None),
        ([5, ["x"], "text"], "5", "", "text"),
        (["GenericError", "l1\nl2" * 200, None], "GenericError", ("l1\nl2" * 200)[:255], None),
    ],
)
def test_case_28_a_callerror_of_any_shape_ends_our_call(
    connection: Connection, parts: list[Any], code: str, description: str, details: Any
) -> None:
    connection.open_call("m", "ClearCache", {}, NOW)
    received = connection.receive_text(frame(4, "m", *parts), NOW)
    assert received == IncomingError("m", code, description, details, "ClearCache")
    assert connection.in_flight is None


@pytest.mark.parametrize(
    ("payload", "problem"),
    [({"status": "Perhaps"}, "status"), ({}, "status"), (None, "payload"), ([1], "payload")],
)
def test_case_29_an_answer_that_breaks_the_schema_is_kept_and_flagged(
    connection: Connection, payload: Any, problem: str
) -> None:
    connection.open_call("m", "Reset", {"type": "Soft"}, NOW)
    received = connection.receive_text(frame(3, "m", payload), NOW)
    assert isinstance(received, IncomingResult)
    assert received.payload == payload
    assert received.problem.startswith(problem)


def test_case_29_harmless_deviations_of_an_answer_are_anomalies(connection: Connection) -> None:
    connection.open_call("m", "GetConfiguration", {}, NOW)
    keys = [{"key": "K", "readonly": True, "value": None}]
    received = connection.receive_text(frame(3, "m", {"configurationKey": keys, "x": 1}), NOW)
    assert isinstance(received, IncomingResult)
    assert received.problem == ""
    assert {anomaly.kind for anomaly in received.anomalies} == {"null_value", "unknown_field"}


def test_case_30_the_message_types_of_2_1_mean_nothing_in_1_6(connection: Connection) -> None:
    for text in ('[5,"1","GenericError","",{}]', '[6,"1","NotifyPeriodicEventStream",{}]'):
        received = connection.receive_text(text, NOW)
        assert isinstance(received, Rejected)
        assert received.reply_text is None


@pytest.mark.parametrize("registration", ["Pending", "Rejected"])
def test_case_31_before_acceptance_only_a_boot_is_processed(registration: str) -> None:
    connection = Connection("1.6", registration)
    assert error_of(call(connection, "1", "StartTransaction", START)) == ("1", "SecurityError")
    boot = accept(connection, "2", "BootNotification", BOOT)
    connection.answer(boot, {"status": "Accepted", "currentTime": NOW, "interval": 60})
    assert connection.registration == "Accepted"
    accept(connection, "3", "StartTransaction", START)


def test_case_31_what_may_be_sent_before_acceptance() -> None:
    pending, rejected = Connection("1.6", "Pending"), Connection("1.6", "Rejected")
    for action in ("GetConfiguration", "ChangeConfiguration", "TriggerMessage"):
        assert pending.may_send(action)
        assert not rejected.may_send(action)
    with pytest.raises(NotRegistered):
        pending.open_call("m", "RemoteStartTransaction", {"idTag": "T"}, NOW)
    pending.open_call("m", "TriggerMessage", {"requestedMessage": "Heartbeat"}, NOW)
    accept(pending, "1", "Heartbeat", {})
    assert error_of(call(pending, "2", "Heartbeat", {}))[1] == "SecurityError"


def test_case_32_nothing_is_sent_before_the_boot_is_answered(connection: Connection) -> None:
    boot = accept(connection, "1", "BootNotification", BOOT)
    assert not connection.may_send("GetConfiguration")
    connection.answer(boot, {"status": "Accepted", "currentTime": NOW, "interval": 60})
    assert connection.may_send("GetConfiguration")
    connection.fail(accept(connection, "2", "BootNotification", BOOT), "InternalError")
    assert connection.may_send("GetConfiguration")


def test_nul_characters_never_get_in(connection: Connection) -> None:
    payload = '{"chargePointVendor":"a\\u0000b","chargePointModel":"\\\\u0000"}'
    text = f'[2,"1","BootNotification",{payload}]'
    received = connection.receive_text(text, NOW)
    assert isinstance(received, IncomingCall)
    assert received.payload == {"chargePointVendor": "ab", "chargePointModel": "\\u0000"}


def test_a_socket_with_full_memory_stays_small() -> None:
    count = 50
    tracemalloc.start()
    try:
        connections = [Connection("1.6") for _ in range(count)]
        idle = tracemalloc.get_traced_memory()[0] / count
        for number in range(count * REMEMBERED_CALLS * 3):
            received = accept(connections[number % count], f"{number:036}", "Heartbeat", {})
            connections[number % count].answer(received, {"currentTime": NOW})
        busy = tracemalloc.get_traced_memory()[0] / count
    finally:
        tracemalloc.stop()
    assert idle < 500
    assert busy < 8_000
