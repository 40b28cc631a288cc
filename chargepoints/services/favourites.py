"""Stations that drivers keep at hand."""

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.locks import lock_user
from accounts.models import User
from chargepoints.models import Favourite, Station
from chargepoints.selectors.stations import get_visible
from csms.common.errors import Conflict

MOST_FAVOURITES = 200


@transaction.atomic
def add(driver: User, identity: str) -> Station:
    """Keep the station; twice is once. `NotFound` if the driver may not see it."""
    station = get_visible(driver, identity)
    lock_user(driver.pk)
    own = Favourite.objects.filter(user=driver)
    if own.filter(station=station).exists():
        return station
    if own.count() >= MOST_FAVOURITES:
        text = _("At most %(most)d favourites can be kept.") % {"most": MOST_FAVOURITES}
        raise Conflict(text, code="too_many_favourites")
    Favourite.objects.create(user=driver, station=station)
    return station


def remove(driver: User, identity: str) -> None:
    """Keep it no more; twice is once. `NotFound` if the driver may not see the station."""
    Favourite.objects.filter(user=driver, station=get_visible(driver, identity)).delete()
