"""When wrong passwords lock out: few for one person, many for one network that people share."""

from collections.abc import Mapping
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_cool_off, get_failure_limit
from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Sum
from django.http import HttpRequest

from csms.common.api.addresses import address_group, client_address


class LockoutHandler(AxesDatabaseHandler):
    """Counts failures by the person they are for, and by the network that they come from.

    axes has one limit for whatever it counts by. Here it is the person's; a network that has
    reached `LOGIN_FAILURES_PER_ADDRESS` counts as if the person had reached theirs. Who signs in
    clears what was counted for them, and nothing that others have done from the same network.
    """

    def get_failures(
        self, request: HttpRequest, credentials: Mapping[str, Any] | None = None
    ) -> int:
        by_person: int = super().get_failures(request, credentials)
        limit: int = get_failure_limit(request, credentials)
        if by_person < limit and _failures_of_network(request) >= (
            settings.LOGIN_FAILURES_PER_ADDRESS
        ):
            return limit
        return by_person


def _failures_of_network(request: Any) -> int:
    since = request.axes_attempt_time - get_cool_off(request)
    recent = AccessAttempt.objects.filter(
        ip_address=request.axes_ip_address, attempt_time__gte=since
    )
    return recent.aggregate(total=Sum("failures_since_start"))["total"] or 0


def counted_address(request: HttpRequest) -> str:
    """The caller's IPv4 address, or the first one of the /64 that one IPv6 customer holds."""
    return address_group(client_address(request)).partition("/")[0]
