"""The review queue, as far as the caller may see it."""

from django.db.models import QuerySet

from accounts.selectors.scope import Caller, within_scope
from transactions.models import ReviewItem


def visible_to(caller: Caller) -> QuerySet[ReviewItem]:
    """All items of the caller's operators, newest first."""
    return ReviewItem.objects.filter(
        within_scope(caller, "station__site__operator")
    ).select_related("station__site", "session")


def open_for(caller: Caller) -> QuerySet[ReviewItem]:
    return visible_to(caller).filter(resolved_at__isnull=True)
