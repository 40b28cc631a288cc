"""The log of sign-ins by staff and drivers, those that failed included."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import F

from accounts.domain.access import LoginChannel, LoginOutcome
from accounts.models import LoginAttempt, User
from csms.common.api.addresses import address_group

# What nothing else limits is counted on rows that are there: a flood must not fill the table.
COUNTED = frozenset(
    {
        LoginOutcome.LOCKED_OUT,
        LoginOutcome.WRONG_PASSKEY,
        LoginOutcome.NOT_VERIFIED,
        LoginOutcome.IDENTITY_REFUSED,
    }
)
COUNTED_TOGETHER = timedelta(minutes=15)
MOST_ROWS_PER_NETWORK = 20


def record(
    channel: LoginChannel,
    outcome: LoginOutcome,
    *,
    username: str,
    address: str,
    user_agent: str,
    user: User | None = None,
    at: datetime,
) -> None:
    """Keep one attempt. What was typed as `username` is kept only if it looks like an address:
    people type their password there. The caller has asked the throttles before.
    """
    name = username.strip().lower()[:254]
    name = "".join(c for c in name if c.isprintable()) if "@" in name else ""
    attempt: dict[str, Any] = {
        "user": user,
        "channel": channel.value,
        "outcome": outcome.value,
        "username": name,
        "remote_address": address[:64],
        "network": address_group(address)[:64],
    }
    if outcome in COUNTED and _count_with_another(attempt, at):
        return
    LoginAttempt.objects.create(**attempt, at=at, user_agent=_printable(user_agent)[:300])


def _count_with_another(attempt: dict[str, Any], at: datetime) -> bool:
    """Count it on a recent row like it; on the newest of its network once there are many."""
    recent = LoginAttempt.objects.filter(
        outcome=attempt["outcome"],
        network=attempt["network"],
        at__gt=at - COUNTED_TOGETHER,
    ).order_by("-at", "-id")
    found = recent.filter(**attempt).values_list("pk", flat=True).first()
    if found is None:
        newest = list(recent.values_list("pk", flat=True)[:MOST_ROWS_PER_NETWORK])
        if len(newest) < MOST_ROWS_PER_NETWORK:
            return False
        found = newest[0]
    return bool(LoginAttempt.objects.filter(pk=found).update(times=F("times") + 1))


def _printable(text: str) -> str:
    return "".join(c for c in text if c.isprintable())
