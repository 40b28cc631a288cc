"""Domain events: small facts, published on commit, carrying ids only.

`csms.subscriptions` registers who reacts. A reaction is a nudge that may be lost; whatever must
happen is also found by a sweeper, from the rows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import structlog
from django.db import transaction

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all domain events."""


EventType = TypeVar("EventType", bound=Event)
_handlers: dict[type[Event], list[Callable[[Any], None]]] = {}


def subscribe(event_type: type[EventType], handler: Callable[[EventType], None]) -> None:
    handlers = _handlers.setdefault(event_type, [])
    if handler not in handlers:
        handlers.append(handler)


def publish(event: Event) -> None:
    """Hand `event` to its handlers when the transaction commits, or at once without one."""
    for handler in _handlers.get(type(event), ()):
        transaction.on_commit(partial(_deliver, handler, event))


def _deliver(handler: Callable[[Any], None], event: Event) -> None:
    try:
        handler(event)
    except Exception:
        # The row is committed and a sweeper will find it: a broker that is down must not turn
        # a charge that happened into an error.
        logger.exception("event_not_delivered", event_type=type(event).__name__)
