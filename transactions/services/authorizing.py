"""What a token is worth at a station: a card anywhere, that of the app where its driver asked."""

from collections.abc import Iterable
from datetime import datetime

from accounts.domain.states import Authorization
from accounts.models import IdToken
from accounts.services.authorization import AuthorizationResult, authorize
from transactions.domain.states import UNFINISHED_SESSION_STATES
from transactions.locks import Spot
from transactions.selectors.related import RelatedSession
from transactions.selectors.tokens import has_asked

_INVALID = AuthorizationResult(Authorization.INVALID)


def authorize_at(
    station_id: int, id_token: str, *, operator_id: int, at: datetime
) -> AuthorizationResult:
    """What the token is worth at the station.

    Every charger that a driver used knows the token of the app: where the driver has asked for
    nothing it is as Invalid as one that does not exist.
    """
    found = authorize(id_token, operator_id=operator_id, at=at)
    token = found.id_token
    if token is None or not _is_for_asking(token):
        return found
    return found if has_asked(token, station_id, at) else _INVALID


def where_asked(
    found: AuthorizationResult, spot: Spot, related: Iterable[RelatedSession], at: datetime
) -> AuthorizationResult:
    """The same for a start at `spot` that happened at `at`.

    `related`: what is known of the connector. A driver's awaited session there answers it without
    another statement.
    """
    token = found.id_token
    if token is None or not _is_for_asking(token):
        return found
    is_expected = any(
        session.connector_id == spot.connector_id
        and session.id_token_id == token.pk
        and session.state in UNFINISHED_SESSION_STATES
        for session in related
    )
    if is_expected or has_asked(token, spot.station_id, at, connector_id=spot.connector_id):
        return found
    return _INVALID


def _is_for_asking(token: IdToken) -> bool:
    return token.type == IdToken.Type.APP
