"""Which quirk profile counts for a station, and which stations a profile counts for."""

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts.selectors.scope import Caller, within_scope
from chargepoints.domain.quirks import Quirks
from chargepoints.models import QuirkProfile, Station


def profile_of(station: Station) -> QuirkProfile | None:
    """The station's own choice, else what fits what it reported; None if neither is active."""
    profile = station.quirk_profile or station.matched_profile
    return profile if profile is not None and profile.is_active else None


def quirks_of(station: Station) -> Quirks | None:
    """The deviations of the station's charger; no query if it has no profile."""
    profile = profile_of(station)
    return None if profile is None else profile.quirks


def with_station_counts(profiles: QuerySet[QuirkProfile], caller: Caller) -> QuerySet[QuirkProfile]:
    """With `station_count`: for how many of the caller's stations in use the profile counts."""
    counted = (
        Station.objects.filter(within_scope(caller, "site__operator"), archived_at__isnull=True)
        .annotate(profile=Coalesce("quirk_profile_id", "matched_profile_id"))
        .filter(profile=OuterRef("pk"))
        .order_by()
        .values("profile")
        .annotate(number=Count("pk"))
        .values("number")
    )
    return profiles.annotate(station_count=Coalesce(Subquery(counted), 0))
