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


def _ask_to_sign_in_again(event: Any) -> None:
    from ocpp_gateway import nudges

    nudges.send(nudges.unauthenticated(event.station_id))


def _price_session(event: Any) -> None:
    from transactions.tasks import price_session

    price_session.delay(event.session_id)


def _tell_staff(event: Any) -> None:
    from chargepoints.tasks import tell_of_alert

    tell_of_alert.delay(event.alert_id)


def _send_account_message(event: Any) -> None:
    from accounts.tasks import send_account_message

    send_account_message.delay(str(event.message_id))


def _build_data_export(event: Any) -> None:
    from accounts.tasks import build_data_export

    build_data_export.delay(str(event.export_id))


def reactions() -> dict[type[Event], Callable[[Any], None]]:
    from accounts.events import AccountMessageQueued, DataExportRequested
    from chargepoints.events import (
        AlertRaised,
        CertificateRevoked,
        CommandRequested,
        CredentialsChanged,
        StationArchived,
    )
    from transactions.events import SessionUnpriced

    return {
        AccountMessageQueued: _send_account_message,
        AlertRaised: _tell_staff,
        CertificateRevoked: _ask_to_sign_in_again,
        CommandRequested: _nudge_gateway,
        CredentialsChanged: _ask_to_sign_in_again,
        DataExportRequested: _build_data_export,
        SessionUnpriced: _price_session,
        StationArchived: _close_socket,
    }


def register() -> None:
    for event_type, reaction in reactions().items():
        subscribe(event_type, partial(give_hint, reaction))
