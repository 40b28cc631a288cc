"""Whether an id token is charging somewhere already."""

from accounts.models import IdToken
from chargepoints.models import Station
from transactions.domain.states import OPEN_SESSION_STATES
from transactions.models import Session


def is_charging_elsewhere(token: IdToken | None, station: Station, evse_id: int | None) -> bool:
    """At another EVSE than this one; without `evse_id`, at another station."""
    open_sessions = Session.objects.filter(id_token=token, state__in=OPEN_SESSION_STATES)
    here = {"station": station, **({"connector__evse__evse_id": evse_id} if evse_id else {})}
    return open_sessions.exclude(**here).exists()
