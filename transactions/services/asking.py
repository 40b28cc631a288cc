"""May somebody charge here? Asked before anything is begun; nothing is written."""

from dataclasses import dataclass
from datetime import datetime

from accounts.domain.states import Authorization
from accounts.models import IdToken, User
from accounts.services.app_tokens import known_app_token
from accounts.services.authorization import AuthorizationResult, authorize
from chargepoints.models import Station
from transactions.domain.availability import Obstacle
from transactions.selectors.availability import Place, connector_at, obstacle
from transactions.selectors.tokens import is_charging_elsewhere
from transactions.services.authorizing import authorize_at


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the token is worth here, and what else is in the way."""

    status: Authorization
    expires_at: datetime | None = None
    group: str = ""
    obstacle: Obstacle | None = None

    @property
    def is_allowed(self) -> bool:
        return self.status is Authorization.ACCEPTED and self.obstacle is None


def may_token_charge(station: Station, id_token: str, evse_id: int | None, at: datetime) -> Verdict:
    found = authorize_at(station.pk, id_token, operator_id=station.site.operator_id, at=at)
    return _verdict(found, found.id_token, station, evse_id)


def may_driver_charge(
    driver: User, station: Station, id_token: str, evse_id: int | None, at: datetime
) -> Verdict:
    """With one of the driver's own tokens; without a name, with that of the app.

    Somebody else's token is Invalid, as one that does not exist is. A driver for whom the app has
    made no token yet may charge: it is made when it is needed. `NotFound` for an EVSE that the
    station does not have.
    """
    in_the_way = None
    if evse_id is not None:
        place = Place(identity=station.public_code, connector_id=evse_id)
        in_the_way = obstacle(connector_at(driver, place), driver, at)
    if not id_token:
        known = known_app_token(driver)
        if known is None:
            return Verdict(Authorization.ACCEPTED, obstacle=in_the_way)
        id_token = known.token
    found = authorize(id_token, operator_id=station.site.operator_id, at=at)
    if found.id_token is None or found.id_token.user_id != driver.pk:
        return Verdict(Authorization.INVALID, obstacle=in_the_way)
    return _verdict(found, found.id_token, station, evse_id, in_the_way)


def _verdict(
    found: AuthorizationResult,
    token: IdToken | None,
    station: Station,
    evse_id: int | None,
    in_the_way: Obstacle | None = None,
) -> Verdict:
    status = found.status
    if status is Authorization.ACCEPTED and is_charging_elsewhere(token, station, evse_id):
        status = Authorization.CONCURRENT_TX
    return Verdict(status, found.expires_at, found.group, in_the_way)
