"""ONE table: domain event -> who reacts. Every reaction across apps stands here.

A reaction is a hint that may be lost: the row is the truth, and a sweeper finds what was missed.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from csms.common.events import Event, subscribe
from csms.common.hints import give_hint


def _nudge_gateway(event: Any) -> None:
    from ocpp_gateway import nudges

    nudges.send(nudges.command_waits(event.station_id))


def _close_socket(event: Any) -> None:
    from ocpp_gateway import nudges

    nudges.send(nudges.archived(event.station_id))


def _price_session(event: Any) -> None:
    from transactions.tasks import price_session

    price_session.delay(event.session_id)


def reactions() -> dict[type[Event], Callable[[Any], None]]:
    from chargepoints.events import CommandRequested, StationArchived
    from transactions.events import SessionUnpriced

    return {
        CommandRequested: _nudge_gateway,
        SessionUnpriced: _price_session,
        StationArchived: _close_socket,
    }


def register() -> None:
    for event_type, reaction in reactions().items():
        subscribe(event_type, partial(give_hint, reaction))
