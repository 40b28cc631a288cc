"""Structured logs: one line per entry, readable in development, JSON in production.

structlog and the standard library's loggers (Django, uvicorn, Celery) end in the same handler, so
nothing gets past the redaction.
"""

import logging
import sys
from typing import Any, TextIO

import orjson
import structlog
from django.conf import settings
from structlog.typing import EventDict, Processor, WrappedLogger

from csms.redaction import REDACTED, clean, clean_text, is_secret_name, one_line

MAX_LINE = 16_000
MAX_TRACEBACK = 8_000
# These come with handlers of their own; here they only hand on to the root.
OWN_HANDLERS = (
    "django",
    "django.server",
    "uvicorn",
    "uvicorn.error",
    "uvicorn.access",
    "uvicorn.asgi",
    "celery",
    "celery.task",
    "celery.redirected",
    "daphne",
)
# `RequestContextMiddleware` writes one line per request already; frames belong in the archive.
QUIET = {
    "uvicorn.access": logging.WARNING,
    "django.server": logging.WARNING,
    "daphne": logging.WARNING,
    "websockets": logging.WARNING,
    "asyncio": logging.WARNING,
    "ocpp": logging.WARNING,
    "axes": logging.WARNING,
}
FIRST_KEYS = ("timestamp", "level", "logger", "event")


def redact(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    """The processor that every entry passes last: secrets out, control characters escaped, cut."""
    entry: EventDict = {}
    for name, value in event_dict.items():
        if name == "exception":
            entry[name] = _clean_traceback(str(value))
        elif name.startswith("_"):
            entry[name] = value  # structlog's own, removed before rendering
        elif is_secret_name(name):
            entry[one_line(name, 100)] = REDACTED if value not in (None, "") else value
        else:
            entry[one_line(name, 100)] = clean(value)
    return entry


def _clean_traceback(text: str) -> str:
    """The end of the traceback, each of its lines cleaned: the last lines name the error."""
    lines = [clean_text(line) for line in text[-MAX_TRACEBACK:].splitlines()]
    return "\n".join(lines)


def render_json(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> str:
    ordered = {key: event_dict.pop(key) for key in FIRST_KEYS if key in event_dict}
    line = orjson.dumps({**ordered, **event_dict}, default=str).decode()
    if len(line) <= MAX_LINE:
        return line
    kept = {**ordered, "request_id": event_dict.get("request_id"), "cut_from_bytes": len(line)}
    return orjson.dumps(kept, default=str).decode()


def render_text(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> str:
    """`10:15:02 INFO  name: event key=value`; a traceback follows, each line of it marked."""
    exception = event_dict.pop("exception", None)
    timestamp = str(event_dict.pop("timestamp", ""))[11:19]
    level = str(event_dict.pop("level", "")).upper()
    name = event_dict.pop("logger", "")
    event = event_dict.pop("event", "")
    pairs = " ".join(f"{key}={_shown(value)}" for key, value in event_dict.items())
    line = f"{timestamp} {level:<8} {name}: {event} {pairs}".rstrip()[:MAX_LINE]
    if exception:
        line += "".join(f"\n    | {part}" for part in exception.splitlines())
    return line


def _shown(value: Any) -> str:
    return value if isinstance(value, str) and value and " " not in value else repr(value)


def shared_processors() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]


def is_news(record: logging.LogRecord) -> bool:
    """Whether a record says something that is not said already.

    uvicorn calls each refused upgrade an error of the application, which it is not; the gateway
    says itself whom it refused and why.
    """
    return record.msg != "ASGI callable returned without completing handshake."


def build_handler(log_format: str, stream: TextIO) -> logging.Handler:
    """A handler that writes entries as `json` or `text` to `stream`."""
    handler = logging.StreamHandler(stream)
    handler.addFilter(is_news)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared_processors(),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redact,
                render_json if log_format == "json" else render_text,
            ],
            # A foreign record's own `exc_info` is rendered by the chain above, once.
            keep_exc_info=False,
        )
    )
    return handler


def configure() -> None:
    """Route structlog and the standard library to one handler on stderr; may be repeated."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared_processors(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        # Tests replace the processors to look at entries; a cached logger would not notice.
        cache_logger_on_first_use=settings.CSMS_ENVIRONMENT != "test",
    )
    root = logging.getLogger()
    root.handlers = [build_handler(settings.LOG_FORMAT, sys.stderr)]
    root.setLevel(settings.LOG_LEVEL)
    for name in OWN_HANDLERS:
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
    for name, level in QUIET.items():
        logging.getLogger(name).setLevel(max(level, root.level))
