"""How many codes may be asked for, counted from rows: a cache that is away or empty opens nothing.

The caller holds `lock_code_requests`, so that twenty requests at once count as twenty.
"""

import math
from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.domain.contacts import Channel
from accounts.models import Verification
from csms.common.errors import TooManyRequests

logger = structlog.get_logger(__name__)
Rates = Iterable[tuple[int, int]]


def check(*, address_digest: str, network: str, channel: Channel, at: datetime) -> None:
    """Raise `TooManyRequests` if one more would exceed a limit: of the address, network, or all."""
    rows = Verification.objects.order_by("-requested_at")
    own = max(
        _wait_seconds(rows.filter(address_digest=address_digest), settings.CODE_RATES_ADDRESS, at),
        _wait_seconds(rows.filter(network=network), settings.CODE_RATES_NETWORK, at),
    )
    everybody = _wait_seconds(rows.filter(channel=channel), _cap(channel), at)
    if everybody:
        logger.error("code_cap_reached", channel=channel.value, wait_seconds=everybody)
    wait = max(own, everybody)
    if wait:
        text = _("Too many codes were asked for. Try again in %(seconds)d seconds.")
        raise TooManyRequests(text % {"seconds": wait}, retry_after_seconds=wait)


def seconds_between() -> int:
    """How long one address has to wait for its next code, at least."""
    return max((seconds for most, seconds in settings.CODE_RATES_ADDRESS if most == 1), default=0)


def _cap(channel: Channel) -> Rates:
    rates: Rates = settings.CODE_RATES_SMS if channel is Channel.SMS else settings.CODE_RATES_EMAIL
    return rates


def _wait_seconds(rows: QuerySet[Verification], rates: Rates, at: datetime) -> int:
    """Until one more is allowed; 0 if it is now. `rows`: the newest first."""
    wait = 0.0
    for most, seconds in rates:
        oldest_that_counts = rows.values_list("requested_at", flat=True)[most - 1 : most].first()
        if oldest_that_counts is not None:
            ends = oldest_that_counts + timedelta(seconds=seconds)
            wait = max(wait, (ends - at).total_seconds())
    return math.ceil(wait) if wait > 0 else 0
