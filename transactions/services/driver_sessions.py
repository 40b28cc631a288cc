"""Sessions that drivers ask for: created with a price they saw, closed if they never begin.

A driver has one of them at a time, and the charger of one connector awaits one: the app's token may
charge at one place only (OCPP: ConcurrentTx).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.domain.states import Authorization
from accounts.models import IdToken, User
from accounts.services.app_tokens import app_token_of
from accounts.services.authorization import status_of
from chargepoints.models import Connector
from csms.common import clock
from csms.common.errors import Conflict
from csms.common.events import publish
from transactions.domain.availability import Obstacle
from transactions.domain.states import (
    AWAITED_SESSION_STATES,
    OPEN_SESSION_STATES,
    SESSION_TRANSITIONS,
    NeverStarted,
    SessionState,
)
from transactions.events import SessionNeverStarted
from transactions.locks import lock_connector, lock_session, lock_sessions
from transactions.models import Session, SessionEvent
from transactions.selectors.availability import Offer, obstacle, offer_at
from transactions.services import payment_gate

_SWEEP_SIZE = 500
OBSTACLES = {
    Obstacle.STATION_OFFLINE: gettext_lazy("The charger is offline."),
    Obstacle.CONNECTOR_UNAVAILABLE: gettext_lazy("The connector is out of order."),
    Obstacle.CONNECTOR_IN_USE: gettext_lazy("Somebody is charging at this connector."),
    Obstacle.CONNECTOR_RESERVED: gettext_lazy("The connector is reserved for somebody else."),
}


class PriceChanged(Conflict):
    """The driver saw another price than the one that applies now: `offer`."""

    code = "price_changed"
    title = "The price has changed"

    def __init__(self, offer: Offer) -> None:
        super().__init__(_("The price has changed. Look at it again before you start."))
        self.offer = offer


@dataclass(frozen=True, slots=True)
class PriceShown:
    """What the driver saw: a tariff version (None: that there is no tariff), a price per kWh."""

    names_version: bool
    version_id: int | None = None
    price_per_kwh: Decimal | None = None

    def is_that_of(self, offer: Offer) -> bool:
        version_id = None if offer.version is None else offer.version.pk
        if self.names_version and self.version_id != version_id:
            return False
        return self.price_per_kwh is None or self.price_per_kwh == offer.price_per_kwh


@dataclass(frozen=True, slots=True)
class Created:
    """`is_new` False: the driver has asked for it already."""

    session: Session
    is_new: bool


def create_session(driver: User, connector: Connector, shown: PriceShown) -> Created:
    """A session in state PENDING for the driver, at the price that is in effect now.

    Another that the driver has not started yet gives way. Raises `PriceChanged`, and `Conflict`
    with the codes of `Obstacle`, `session_exists`, `token_not_accepted`,
    `payment_method_required`.
    """
    try:
        with transaction.atomic():
            return _create(driver, connector, shown, clock.now())
    except IntegrityError as error:
        # A start of the charger's went between: what it left shows at the next look.
        raise Conflict(
            str(OBSTACLES[Obstacle.CONNECTOR_IN_USE]), code="connector_in_use"
        ) from error


def _create(driver: User, connector: Connector, shown: PriceShown, at: datetime) -> Created:
    token = app_token_of(driver)
    evse = connector.evse
    lock_connector(evse.station_id, evse.evse_id, connector.connector_id)
    offer = offer_at(connector, at)
    if not shown.is_that_of(offer):
        raise PriceChanged(offer)
    known = _own_unfinished(driver, token)
    for session in known:
        if _is_the_same(session, connector, offer, at):
            return Created(session, is_new=False)
    _check_free(known, at)
    _close_expired(connector, at)
    check_start(driver, token, connector, offer, at)
    session = Session.objects.create(
        station_id=evse.station_id,
        connector=connector,
        state=SessionState.PENDING.value,
        driver=driver,
        id_token=token,
        id_token_value=token.token,
        tariff_version=offer.version,
        currency=offer.version.tariff.currency
        if offer.version
        else evse.station.site.operator.currency,
        expires_at=at + timedelta(seconds=settings.PENDING_SESSION_EXPIRY_SECONDS),
    )
    SessionEvent.objects.create(
        session=session,
        at=at,
        kind="created",
        detail={"tariff_version": session.tariff_version_id},
    )
    return Created(session, is_new=True)


def _own_unfinished(driver: User, token: IdToken) -> list[Session]:
    """The driver's sessions of the app that are not over; the driver's lock is held."""
    awaited = Q(driver=driver, state__in=AWAITED_SESSION_STATES)
    running = Q(id_token=token, state__in=OPEN_SESSION_STATES)
    return list(Session.objects.filter(awaited | running).order_by("pk"))


def _is_the_same(session: Session, connector: Connector, offer: Offer, at: datetime) -> bool:
    version_id = None if offer.version is None else offer.version.pk
    return (
        session.state == SessionState.PENDING
        and session.connector_id == connector.pk
        and session.tariff_version_id == version_id
        and session.expires_at is not None
        and session.expires_at > at
    )


def _check_free(known: list[Session], at: datetime) -> None:
    """Let go of what the driver has not started; what has begun is in the way."""
    for session in lock_sessions([found.pk for found in known]):
        if _close_if_expired(session, at):
            continue
        if session.state == SessionState.PENDING:
            close(session, SessionState.CANCELLED, NeverStarted.CANCELLED, at)
        elif session.state in AWAITED_SESSION_STATES | OPEN_SESSION_STATES:
            raise Conflict(
                _("You are charging already: stop that session first."), code="session_exists"
            )


def _close_expired(connector: Connector, at: datetime) -> None:
    """What others let expire here and no sweep has closed yet must not keep the connector."""
    expired = Session.objects.filter(
        connector=connector, state__in=AWAITED_SESSION_STATES, expires_at__lte=at
    )
    for session in lock_sessions(list(expired.values_list("pk", flat=True))):
        _close_if_expired(session, at)


def check_start(
    driver: User,
    token: IdToken,
    connector: Connector,
    offer: Offer,
    at: datetime,
    *,
    besides: int | None = None,
) -> None:
    """Raise `Conflict` if the driver may not begin there now; `besides`: the session that would."""
    operator_id = connector.evse.station.site.operator_id
    is_accepted = status_of(token, at) is Authorization.ACCEPTED
    if not is_accepted or token.operator_id not in (None, operator_id):
        raise Conflict(_("You may not charge here."), code="token_not_accepted")
    found = obstacle(connector, driver, at, besides=besides)
    if found is not None:
        raise Conflict(str(OBSTACLES[found]), code=found.value)
    payment_gate.check(driver, connector, offer)


def close(session: Session, state: SessionState, reason: NeverStarted, at: datetime) -> None:
    """End a locked session that never began."""
    SESSION_TRANSITIONS.check(SessionState(session.state), state)
    session.state = state.value
    session.end_reason = reason.value
    session.expires_at = None
    session.save(update_fields=["state", "end_reason", "expires_at"])
    SessionEvent.objects.create(
        session=session, at=at, kind="never_started", detail={"reason": reason.value}
    )
    publish(SessionNeverStarted(session.pk))


def close_due(now: datetime) -> int:
    """Close what has not begun by its time; returns how many.

    A charger that begins all the same is right: its start is a session of its own then.
    """
    due = Session.objects.filter(state__in=AWAITED_SESSION_STATES, expires_at__lte=now)
    closed = 0
    for session_id in list(due.order_by("expires_at").values_list("pk", flat=True)[:_SWEEP_SIZE]):
        with transaction.atomic():
            closed += _close_if_expired(lock_session(session_id), now)
    return closed


def _close_if_expired(session: Session, at: datetime) -> bool:
    """Of a locked session: its charger may have begun it meanwhile."""
    if session.expires_at is None or session.expires_at > at:
        return False
    if session.state == SessionState.PENDING:
        close(session, SessionState.CANCELLED, NeverStarted.EXPIRED, at)
        return True
    if session.state == SessionState.STARTING:
        close(session, SessionState.FAILED, NeverStarted.NOT_STARTED, at)
        return True
    return False
