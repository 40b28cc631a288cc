"""Where a driver wants to charge: the connector, what keeps it from starting, and its price."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Q, Subquery

from accounts.models import User
from accounts.selectors.scope import Caller
from chargepoints.domain.states import ConnectorStatus
from chargepoints.models import Connector
from chargepoints.selectors import stations
from csms.common.errors import NotFound
from transactions.domain.availability import Obstacle, obstacle_of
from transactions.domain.pricing import price_per_kwh_at
from transactions.domain.states import (
    AWAITED_SESSION_STATES,
    OPEN_RESERVATION_STATES,
    OPEN_SESSION_STATES,
)
from transactions.models import Reservation, Session, TariffVersion
from transactions.selectors.tariffs import terms_of, version_for


@dataclass(frozen=True, slots=True)
class Place:
    """How a caller names a connector: by the code on the charger, or by station and number.

    `connector_id` without `evse_id` is OCPP 1.6's flat number.
    """

    public_code: str = ""
    identity: str = ""
    connector_id: int = 1
    evse_id: int | None = None


def connector_at(caller: Caller, place: Place) -> Connector:
    """The connector with its EVSE, station and site; `NotFound` if the caller may not see it."""
    rows = Connector.objects.select_related("evse__station__site__operator")
    if place.public_code:
        rows = rows.filter(
            evse__public_code=place.public_code.upper(),
            evse__station__in=stations.visible_to(caller),
        )
    else:
        meant = stations.called(caller, place.identity)
        rows = rows.filter(evse__station=Subquery(meant.values("pk")[:1]))
        rows = (
            rows.filter(evse__evse_id=place.connector_id)
            if place.evse_id is None
            else rows.filter(evse__evse_id=place.evse_id, connector_id=place.connector_id)
        )
    found = rows.order_by("connector_id").first()
    if found is None:
        raise NotFound
    return found


def obstacle(
    connector: Connector, driver: User, at: datetime, *, besides: int | None = None
) -> Obstacle | None:
    """What keeps the driver from starting there at `at`; of the session `besides` not looked at.

    A session that a driver asked for and let expire holds nobody up, swept or not.
    """
    station = connector.evse.station
    sessions = Session.objects.filter(
        Q(state__in=OPEN_SESSION_STATES) | Q(state__in=AWAITED_SESSION_STATES, expires_at__gt=at),
        connector=connector,
    )
    if besides is not None:
        sessions = sessions.exclude(pk=besides)
    holders = set(
        Reservation.objects.filter(
            state__in=OPEN_RESERVATION_STATES, expires_at__gt=at, connector=connector
        ).values_list("driver_id", flat=True)
    )
    return obstacle_of(
        is_online=station.is_online,
        status=ConnectorStatus(connector.status),
        is_in_use=sessions.exists(),
        is_reserved_for_another=bool(holders - {driver.pk}),
        is_reserved_for_driver=driver.pk in holders or _holds_any_place(driver, station.pk, at),
    )


def _holds_any_place(driver: User, station_id: int, at: datetime) -> bool:
    """Whether the driver has a reservation for whichever connector of the station is free."""
    return Reservation.objects.filter(
        state__in=OPEN_RESERVATION_STATES,
        expires_at__gt=at,
        station_id=station_id,
        connector__isnull=True,
        driver=driver,
    ).exists()


@dataclass(frozen=True, slots=True)
class Offer:
    """What charging costs at a connector now. No version: no tariff applies there."""

    version: TariffVersion | None
    price_per_kwh: Decimal | None

    @property
    def costs_money(self) -> bool:
        """Whether a session can cost anything; True also where the price is not known yet."""
        version = self.version
        if version is None:
            return True
        prices = [
            version.price_per_kwh,
            version.price_per_minute,
            version.price_per_session,
            version.idle_price_per_minute,
            *(window.price_per_kwh for window in version.windows.all()),
        ]
        return any(prices)


def offer_at(connector: Connector, at: datetime) -> Offer:
    version = version_for(connector.evse, at)
    if version is None:
        return Offer(None, None)
    return Offer(version, price_per_kwh_at(terms_of(version), at))
