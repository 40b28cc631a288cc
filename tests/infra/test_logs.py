"""Entries are one line each and hold no secret, whoever logged them and in whichever format."""

import io
import json
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from csms import logs
from csms.redaction import REDACTED, clean, clean_text, redact_text

SECRETS = {
    "password": "hunter2-hunter2",
    "new_password": "hunter2-hunter2",
    "Authorization": "Basic VEgtMDAwMTpzZWNyZXQ=",
    "cookie": "sessionid=abcdef0123456789",
    "HTTP_COOKIE": "sessionid=abcdef0123456789",
    "X-Api-Key": "csms_abcdef0123456789",
    "api_key": "csms_abcdef0123456789",
    "access_token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "refresh": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "secret_key": "k" * 50,
    "otp_token": "123456",
    "email": "somchai@example.co.th",
    "phone": "+66 81 234 5678",
}
TEXTS = (
    ("Authorization: Bearer abcdef0123456789", "abcdef0123456789"),
    ("authorization=Basic VEgtMDAwMTpzZWNyZXQ= ok", "VEgtMDAwMTpzZWNyZXQ="),
    ("redis://:hunter2@redis:6379/0 is down", "hunter2"),
    ("connecting to postgres://csms:hunter2@db/csms", "hunter2"),
    ('[2,"1","Login",{"password":"hunter2"}]', "hunter2"),
    ('[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"hunter2"}]', "hunter2"),
    ('"GET /live?ticket=hunter2 HTTP/1.1"', "hunter2"),
    ("login of somchai@example.co.th failed", "somchai"),
    ("sent to 081-234-5678 now", "234-5678"),
    ("sent to 0812345678", "0812345678"),
    ("sent to +66812345678", "66812345678"),
    ("Cookie: sessionid=hunter2", "hunter2"),
)


@dataclass
class Output:
    stream: io.StringIO

    def lines(self) -> list[str]:
        return self.stream.getvalue().split("\n")[:-1]


@pytest.fixture
def record() -> Iterator[Callable[[str], tuple[logging.Logger, Output]]]:
    """A logger of the standard library whose entries end in the house's handler."""
    logger = logging.getLogger("tests.logs")
    before = (logger.handlers, logger.propagate, logger.level)

    def start(log_format: str) -> tuple[logging.Logger, Output]:
        stream = io.StringIO()
        logger.handlers = [logs.build_handler(log_format, stream)]
        logger.propagate = False
        logger.setLevel(logging.DEBUG)
        return logger, Output(stream)

    yield start
    logger.handlers, logger.propagate, logger.level = before


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_secrets_are_redacted_by_name(record, log_format: str) -> None:
    _logger, output = record(log_format)
    bound = structlog.wrap_logger(
        logging.getLogger("tests.logs"),
        processors=[
            *logs.shared_processors(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    bound.info("signed_in", **SECRETS, nested={"headers": [SECRETS]}, session_id=42)

    (line,) = output.lines()
    for secret in SECRETS.values():
        assert secret not in line
    assert "42" in line
    assert "signed_in" in line


@pytest.mark.parametrize(("text", "secret"), TEXTS)
def test_secrets_are_redacted_inside_of_texts(text: str, secret: str) -> None:
    assert secret not in redact_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "station TH-BKK-0001 took 12.5 s for 10500 Wh",
        "0198d1f2-7a3b-7c4d-8e5f-081234567890",
        "2026-11-20T10:15:02.123456Z",
        "token bucket is full",
        '[2,"17","MeterValues",{"connectorId":1,"transactionId":123456789}]',
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact_text(text) == text


def test_a_named_secret_of_ocpp_is_hidden_in_a_payload() -> None:
    payload = {"key": "AuthorizationKey", "value": "hunter2"}
    assert clean(payload) == {"key": "AuthorizationKey", "value": REDACTED}


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_an_entry_cannot_forge_another(record, log_format: str) -> None:
    logger, output = record(log_format)
    logger.warning("vendor is %s", "Evil\r\n10:00:00 INFO fake: \x1b[31mred\u2028\u202egnp\x00\x9b")

    (line,) = output.lines()
    for character in "\r\x1b\u2028\u202e\x00\x9b":
        assert character not in line


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_megabyte_is_cut_quickly(record, log_format: str) -> None:
    logger, output = record(log_format)
    started = time.perf_counter()
    logger.warning("frame %s", "a@" * 524_288)
    logger.warning("frame", extra={})

    assert time.perf_counter() - started < 1
    assert all(len(line) < 20_000 for line in output.lines())
    assert "more characters" in output.lines()[0]


def test_a_traceback_is_one_line_in_json_and_marked_lines_in_text(record) -> None:
    def fail(logger: logging.Logger) -> None:
        try:
            raise ValueError("bad\npassword=hunter2\n10:00:00 INFO fake: entry")
        except ValueError:
            logger.exception("failed")

    logger, output = record("json")
    fail(logger)
    (line,) = output.lines()
    entry = json.loads(line)
    assert entry["event"] == "failed"
    assert "ValueError: bad" in entry["exception"]

    logger, text = record("text")
    fail(logger)
    first, *rest = text.lines()
    assert "failed" in first
    assert rest
    assert all(part.startswith("    | ") for part in rest)
    assert "hunter2" not in line + "".join(text.lines())


def test_json_has_the_fields_that_a_collector_needs(record) -> None:
    logger, output = record("json")
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        logger.info("hello %s", "world")
    entry = json.loads(output.lines()[0])
    assert list(entry)[:4] == ["timestamp", "level", "logger", "event"]
    assert (entry["event"], entry["level"], entry["request_id"]) == ("hello world", "info", "r-1")


@pytest.mark.parametrize("name", ["uvicorn.error", "django.request", "celery.worker", "kombu"])
def test_the_loggers_of_libraries_end_in_the_house_handler(name: str) -> None:
    root = logging.getLogger()
    before = list(root.handlers)
    try:
        logs.configure()
        logger: logging.Logger | None = logging.getLogger(name)
        while logger is not None and logger is not root:
            assert all(isinstance(h, logging.NullHandler) for h in logger.handlers)
            assert logger.propagate
            logger = logger.parent
        (handler,) = root.handlers
        assert isinstance(handler.formatter, structlog.stdlib.ProcessorFormatter)
    finally:
        root.handlers = before


@given(st.text(max_size=300))
def test_any_text_comes_out_as_one_safe_line(text: str) -> None:
    cleaned = clean_text(text)
    assert len((cleaned + "x").splitlines()) == 1
    assert "\x1b" not in cleaned
    cleaned.encode("utf-8")


nested = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=20,
)


@given(nested)
def test_whatever_is_logged_can_be_written_as_json(value: object) -> None:
    json.dumps(clean(value))


def test_a_refused_upgrade_is_no_error_of_the_application() -> None:
    stream = io.StringIO()
    handler = logs.build_handler("json", stream)
    for text in ("ASGI callable returned without completing handshake.", "Something else."):
        record = logging.LogRecord("uvicorn.error", logging.ERROR, "", 0, text, (), None)
        handler.handle(record)
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == [
        "Something else."
    ]
