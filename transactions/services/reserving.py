"""Reservations: asked for by the command `reserve`, held by the charger, used by a start.

The charger's answer decides whether a place is held; what it does not say (that a reservation has
expired, or that the connector broke) the sweep finds in the rows.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, Q
from django.utils.translation import gettext as _

from accounts.domain.states import Authorization
from accounts.models import IdToken
from accounts.services.authorization import authorize
from chargepoints.domain.moments import read_moment
from chargepoints.domain.numbers import evse_number, whole
from chargepoints.domain.states import CommandStatus, ConnectorStatus
from chargepoints.domain.text import fit
from chargepoints.locks import lock_station
from chargepoints.models import Command, Connector, ConnectorStatusEvent
from chargepoints.services import anomalies
from chargepoints.services.effects import Effects, Outcome
from csms.common import clock
from csms.common.errors import Conflict, FieldError, InvalidInput
from csms.common.events import publish
from transactions.domain.inputs import SessionStart
from transactions.domain.states import (
    OPEN_RESERVATION_STATES,
    RESERVATION_TRANSITIONS,
    ReservationState,
)
from transactions.events import ReservationEnded
from transactions.locks import lock_reservations
from transactions.models import Reservation, Session

DETAIL_LENGTH = 500
LONGEST = timedelta(days=30)
_OUT_OF_ORDER = (ConnectorStatus.FAULTED.value, ConnectorStatus.UNAVAILABLE.value)
_OPEN = Q(state__in=OPEN_RESERVATION_STATES)
_SWEEP_SIZE = 500


# --- The command `reserve` ----------------------------------------------------------------------


def _request(command: Command) -> None:
    """Make the reservation of a command that is being requested."""
    now = clock.now()
    # One request after the other: each takes the next number.
    lock_station(command.station_id)
    connector = _connector(command)
    token = _token(command, now)
    if connector is not None and Reservation.objects.filter(_OPEN, connector=connector).exists():
        raise Conflict(_("This connector is reserved already."), code="connector_reserved")
    highest = Reservation.objects.filter(station_id=command.station_id).aggregate(
        highest=Max("reservation_id")
    )["highest"]
    Reservation.objects.create(
        station_id=command.station_id,
        connector=connector,
        reservation_id=(highest or 0) + 1,
        id_token=token,
        driver_id=token.user_id,
        created_at=now,
        expires_at=_expiry(command, now),
        command=command,
    )


def _connector(command: Command) -> Connector | None:
    """The connector that is named; None if any of the station will do."""
    number = evse_number(command.parameters)
    if number == 0:
        return None
    found = (
        Connector.objects.filter(evse__station_id=command.station_id, evse__evse_id=number)
        .order_by("connector_id")
        .first()
    )
    if found is None:
        raise _invalid("connector_id", "unknown", _("The station has no such connector."))
    return found


def _token(command: Command, now: datetime) -> IdToken:
    operator_id = command.station.site.operator_id
    result = authorize(str(command.parameters.get("id_token", "")), operator_id=operator_id, at=now)
    if result.status is not Authorization.ACCEPTED or result.id_token is None:
        detail = _("This token may not charge here: %(status)s.") % {"status": result.status}
        raise _invalid("id_token", "not_accepted", detail)
    return result.id_token


def _expiry(command: Command, now: datetime) -> datetime:
    expires_at = read_moment(command.parameters.get("expires_at"))
    if expires_at is None or not now < expires_at <= now + LONGEST:
        detail = _("Give a time in the next %(days)s days.") % {"days": LONGEST.days}
        raise _invalid("expires_at", "invalid", detail)
    return expires_at


def _invalid(field: str, code: str, detail: str) -> InvalidInput:
    return InvalidInput(detail, errors=[FieldError(field, code, detail)])


def _complete(command: Command) -> dict[str, Any]:
    reservation = Reservation.objects.select_related("id_token").get(command=command)
    if reservation.state != ReservationState.REQUESTED:
        raise Conflict(f"The reservation is {reservation.state}.")
    parameters = {**command.parameters, "reservation_id": reservation.reservation_id}
    if reservation.id_token.group:
        parameters["group"] = reservation.id_token.group
    return parameters


_STATE_OF_ANSWER = {
    CommandStatus.ACCEPTED: ReservationState.ACTIVE,
    CommandStatus.REJECTED: ReservationState.REJECTED,
    CommandStatus.FAILED: ReservationState.FAILED,
    CommandStatus.EXPIRED: ReservationState.FAILED,
    CommandStatus.CANCELLED: ReservationState.CANCELLED,
    # TIMED_OUT is not here: the charger may hold the place, so it stays taken until it expires.
}


def _end(command: Command, _outcome: Outcome) -> None:
    target = _STATE_OF_ANSWER.get(CommandStatus(command.status))
    for reservation in lock_reservations(Q(command=command)):
        # Any other state: it was used, cancelled or has expired meanwhile, and stays so.
        if target is not None and reservation.state == ReservationState.REQUESTED:
            _move(reservation, target, clock.now(), command.error)


RESERVE = Effects(requested=_request, completed=_complete, ended=_end)


# --- The command `cancel_reservation` -----------------------------------------------------------


def _named(command: Command) -> Q:
    number = whole(command.parameters.get("reservation_id"))
    return Q(station_id=command.station_id, reservation_id=number)


def _request_cancellation(command: Command) -> None:
    reservation = Reservation.objects.filter(_named(command)).first()
    if reservation is None:
        detail = _("The station has no such reservation.")
        raise _invalid("reservation_id", "unknown", detail)
    if reservation.state not in OPEN_RESERVATION_STATES:
        raise Conflict(
            _("The reservation is %(state)s.") % {"state": reservation.state},
            code="reservation_ended",
        )


def _end_cancellation(command: Command, _outcome: Outcome) -> None:
    """Accepted: the place is free. Rejected: the charger holds no such reservation (1.6 §5.2)."""
    if command.status not in (CommandStatus.ACCEPTED, CommandStatus.REJECTED):
        return
    for reservation in lock_reservations(_named(command) & _OPEN):
        _move(reservation, ReservationState.CANCELLED, clock.now(), command.reason or command.error)


CANCEL = Effects(requested=_request_cancellation, ended=_end_cancellation)


# --- What happens to it -------------------------------------------------------------------------


def _move(
    reservation: Reservation,
    target: ReservationState,
    at: datetime,
    detail: str = "",
    session: Session | None = None,
) -> None:
    RESERVATION_TRANSITIONS.check(ReservationState(reservation.state), target)
    reservation.state = target.value
    reservation.detail = fit(detail, DETAIL_LENGTH)
    reservation.session = session
    if target is not ReservationState.ACTIVE:
        reservation.ended_at = at
        publish(ReservationEnded(reservation.pk))
    reservation.save(update_fields=["state", "detail", "session", "ended_at"])


def use(session: Session, start: SessionStart) -> None:
    """Mark the reservation that a start names as used by its session.

    Chargers send 0 or -1 for "none". A number that we did not give, or one of another token, is
    only counted as a deviation: the energy flows either way, and the place stays reserved.
    """
    number = start.reservation_id
    if number is None or number <= 0:
        return
    found = lock_reservations(Q(station_id=session.station_id, reservation_id=number))
    if not found:
        _deviation(session, start, "reservation_unknown")
    elif not _may_use(found[0], session):
        _deviation(session, start, "reservation_of_another")
    elif RESERVATION_TRANSITIONS.allows(ReservationState(found[0].state), ReservationState.USED):
        _move(found[0], ReservationState.USED, start.received_at, session=session)


def _may_use(reservation: Reservation, session: Session) -> bool:
    token, used = reservation.id_token, session.id_token
    is_same_place = reservation.connector_id in (None, session.connector_id)
    is_holder = used is not None and (
        used.pk == token.pk or bool(token.group and token.group == used.group)
    )
    return is_same_place and is_holder


def _deviation(session: Session, start: SessionStart, kind: str) -> None:
    detail = f"Reservation {start.reservation_id}, token {session.id_token_value}"
    anomalies.record(session.station_id, kind, detail, start.received_at)


def end_due(now: datetime) -> int:
    """End what has expired, and what stands on a connector that broke; returns how many.

    A connector that was out of order for a moment counts too: the charger drops its reservation.
    """
    station_fails = Q(station__status__in=_OUT_OF_ORDER, station__status_at__gte=F("created_at"))
    connector_failed = Exists(
        ConnectorStatusEvent.objects.filter(
            connector_id=OuterRef("connector_id"),
            status__in=_OUT_OF_ORDER,
            received_at__gte=OuterRef("created_at"),
        )
    )
    broken = _OPEN & (station_fails | Q(connector_failed))
    return _end_where(_OPEN & Q(expires_at__lte=now), ReservationState.EXPIRED, now, "") + (
        _end_where(broken, ReservationState.CANCELLED, now, "The place is out of order.")
    )


@transaction.atomic
def _end_where(condition: Q, target: ReservationState, now: datetime, detail: str) -> int:
    keys = list(Reservation.objects.filter(condition).values_list("pk", flat=True)[:_SWEEP_SIZE])
    ended = [r for r in lock_reservations(Q(pk__in=keys)) if r.state in OPEN_RESERVATION_STATES]
    for reservation in ended:
        _move(reservation, target, now, detail)
    return len(ended)
