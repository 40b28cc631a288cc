"""Reservations that drivers make with the app: theirs alone, few, and short."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services.app_tokens import app_token_of
from chargepoints.domain.states import CommandStatus
from chargepoints.models import Command, Connector
from chargepoints.services import commands
from csms.common import clock
from csms.common.errors import Conflict, FieldError, InvalidInput
from transactions.domain.availability import Obstacle
from transactions.domain.states import OPEN_RESERVATION_STATES
from transactions.models import Reservation
from transactions.selectors.availability import offer_at
from transactions.services.driver_sessions import OBSTACLES, check_start

_SHORTEST = timedelta(minutes=1)


def reserve(driver: User, connector: Connector, expires_at: datetime) -> Reservation:
    """Ask the charger to keep the connector for the driver until `expires_at`.

    Whether it does shows in the reservation's state. Raises `InvalidInput` for the time, and
    `Conflict`: `too_many_reservations`, or why the connector is not free.
    """
    now = clock.now()
    longest = timedelta(seconds=settings.DRIVER_RESERVATION_LONGEST_SECONDS)
    if not now + _SHORTEST <= expires_at <= now + longest:
        detail = _("Give a time in the next %(minutes)d minutes.") % {
            "minutes": longest // timedelta(minutes=1)
        }
        raise InvalidInput(detail, errors=[FieldError("expires_at", "invalid", detail)])
    try:
        with transaction.atomic():
            return _reserve(driver, connector, expires_at, now)
    except IntegrityError as error:
        text = str(OBSTACLES[Obstacle.CONNECTOR_RESERVED])
        raise Conflict(text, code="connector_reserved") from error


def _reserve(
    driver: User, connector: Connector, expires_at: datetime, now: datetime
) -> Reservation:
    token = app_token_of(driver)
    open_ones = Reservation.objects.filter(
        driver=driver, state__in=OPEN_RESERVATION_STATES, expires_at__gt=now
    )
    if open_ones.count() >= settings.DRIVER_RESERVATION_LIMIT:
        raise Conflict(_("You have reserved a place already."), code="too_many_reservations")
    check_start(driver, token, connector, offer_at(connector, now), now)
    command = commands.request(
        connector.evse.station,
        "reserve",
        {
            "evse_id": connector.evse.evse_id,
            "id_token": token.token,
            "expires_at": expires_at.isoformat(),
        },
        actor=driver,
        expires_in_seconds=settings.REMOTE_START_EXPIRY_SECONDS,
    )
    return Reservation.objects.get(command=command)


def give_back(reservation: Reservation, driver: User) -> None:
    """Let the place go; a reservation that is over stays as it is.

    One that has not gone out to the charger is cancelled at once, else the charger is asked.
    """
    if reservation.state not in OPEN_RESERVATION_STATES:
        return
    if reservation.command.status == CommandStatus.QUEUED:
        # Gone out in this very moment: then the charger has to be asked like any other.
        commands.cancel(reservation.command_id, actor=driver)
        reservation.refresh_from_db()
        if reservation.state not in OPEN_RESERVATION_STATES:
            return
    if _is_asked(reservation):
        return
    commands.request(
        reservation.station,
        "cancel_reservation",
        {"reservation_id": reservation.reservation_id},
        actor=driver,
        expires_in_seconds=settings.COMMAND_EXPIRY_SECONDS,
    )


def _is_asked(reservation: Reservation) -> bool:
    """Whether the charger is being asked to let go: two taps are one request."""
    return Command.objects.filter(
        station_id=reservation.station_id,
        name="cancel_reservation",
        status__in=[CommandStatus.QUEUED, CommandStatus.SENT],
        parameters__reservation_id=reservation.reservation_id,
    ).exists()
