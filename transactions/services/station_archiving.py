"""Stations are not taken away while somebody charges there: nobody would hear the end."""

from django.utils.translation import gettext as _

from chargepoints.models import Station
from csms.common import clock
from csms.common.errors import Conflict
from csms.common.state_names import NAMES
from transactions.domain.states import OPEN_SESSION_STATES, SessionState
from transactions.locks import lock_sessions_of_station
from transactions.services.silence import SILENCE

# One that a driver only created begins nothing by itself: it is refused when it is to start.
_UNDER_WAY = OPEN_SESSION_STATES | {SessionState.STARTING}


def refuse_while_charging(station_id: int) -> None:
    """Raise `Conflict` (`session_running`) if a session runs at the station or is about to.

    Not at one that has been away for long: whether it burnt down or was carried off, nobody can
    stop anything there, and `interrupt.give_up_lost` ends what it left. In the transaction that
    archives it, which holds its connectors. The locks of the sessions wait for a driver who is just
    asking for a start.
    """
    unfinished = lock_sessions_of_station(station_id, [*_UNDER_WAY, SessionState.PENDING])
    running = [session for session in unfinished if session.state in _UNDER_WAY]
    if running and not _is_away(station_id):
        named = ", ".join(f"{one.public_id} ({NAMES[one.state]})" for one in running)
        raise Conflict(
            _(
                "The station is in use. Stop what is running there first, or wait until the "
                "station has been offline for 10 minutes: %(sessions)s."
            )
            % {"sessions": named},
            code="session_running",
        )


def _is_away(station_id: int) -> bool:
    station = Station.objects.only("is_online", "last_seen_at").get(pk=station_id)
    return not station.is_online and (
        station.last_seen_at is None or station.last_seen_at < clock.now() - SILENCE
    )
