"""API keys, for those who may see them."""

from datetime import datetime

from django.db.models import Max, Q, QuerySet

from accounts.models import ApiKey
from accounts.selectors.scope import Caller, within_scope
from csms.common.errors import NotFound


def visible_keys(caller: Caller, at: datetime) -> QuerySet[ApiKey]:
    """Keys of the caller's operators, newest first, with `old_secret_valid_until` or None."""
    running = Q(retired_secrets__valid_until__gt=at)
    return (
        ApiKey.objects.filter(within_scope(caller, "operator"))
        .select_related("operator")
        .annotate(old_secret_valid_until=Max("retired_secrets__valid_until", filter=running))
        .order_by("-created_at", "-pk")
    )


def visible_key(caller: Caller, key_id: int, at: datetime) -> ApiKey:
    """One of them; `NotFound` for a foreign one and for one that does not exist."""
    key = visible_keys(caller, at).filter(pk=key_id).first()
    if key is None:
        raise NotFound
    return key
