"""What an id token is doing: where it charges, and where its driver has asked to."""

from datetime import datetime, timedelta

from django.db.models import Q

from accounts.models import IdToken
from chargepoints.models import Station
from transactions.domain.states import (
    AWAITED_SESSION_STATES,
    OPEN_RESERVATION_STATES,
    OPEN_SESSION_STATES,
    ReservationState,
)
from transactions.models import Reservation, Session

# A charger that was asked to start and not heard of since may have begun, by a clock of its own.
_ASKED_COUNTS_FOR = timedelta(days=1)


def is_charging_elsewhere(token: IdToken | None, station: Station, evse_id: int | None) -> bool:
    """At another EVSE than this one; without `evse_id`, at another station."""
    open_sessions = Session.objects.filter(id_token=token, state__in=OPEN_SESSION_STATES)
    here = {"station": station, **({"connector__evse__evse_id": evse_id} if evse_id else {})}
    return open_sessions.exclude(**here).exists()


def has_asked(
    token: IdToken, station_id: int, at: datetime, *, connector_id: int | None = None
) -> bool:
    """Whether the app's token was expected at the station at `at`, because its driver asked.

    By a session that is awaited or runs (with `connector_id`, runs there), by one that the charger
    was asked to begin and did not report in time, or by a reservation that held then.
    """
    here = {} if connector_id is None else {"connector_id": connector_id}
    told_to_start = Q(
        started_at__isnull=True,
        start_command__sent_at__gte=at - _ASKED_COUNTS_FOR,
        start_command__sent_at__lte=at + _ASKED_COUNTS_FOR,
    )
    asked_for = Session.objects.filter(
        Q(state__in=AWAITED_SESSION_STATES)
        | Q(state__in=OPEN_SESSION_STATES, **here)
        | told_to_start,
        id_token=token,
        station_id=station_id,
    )
    return asked_for.exists() or _has_reserved(token, station_id, at)


def _has_reserved(token: IdToken, station_id: int, at: datetime) -> bool:
    """A reservation that ended since counts too: a charger may tell late of what was in time."""
    held = Q(state__in=[*OPEN_RESERVATION_STATES, ReservationState.EXPIRED]) | Q(
        state=ReservationState.CANCELLED, ended_at__gt=at
    )
    return Reservation.objects.filter(
        held,
        station_id=station_id,
        expires_at__gt=at,
        created_at__lte=at + _ASKED_COUNTS_FOR,
        # Who works at a station knows the tokens that were used there, and may reserve for any.
        driver_id=token.user_id,
        command__actor_id=token.user_id,
    ).exists()
