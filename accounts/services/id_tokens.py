"""A driver's cards: linked by the code that is printed on them, blocked when they are lost."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.domain.link_codes import new_link_code, normal_link_code
from accounts.domain.states import IdTokenStatus
from accounts.locks import lock_user
from accounts.models import IdToken, LinkAttempt, User
from accounts.selectors.id_tokens import find_own
from csms.common import audit, clock
from csms.common.api.addresses import address_group
from csms.common.audit import Actor
from csms.common.errors import Conflict, FieldError, InvalidInput, TooManyRequests
from csms.common.fields import search_digest

# (how many failures, within what): a card has 60 random bits, so this is for the log's sake and
# against whoever reads half a code over a shoulder.
LIMITS_PER_DRIVER = ((5, timedelta(minutes=15)), (20, timedelta(days=1)))
LIMITS_PER_ADDRESS = ((20, timedelta(hours=1)),)
MOST_TOKENS = 50


def link(driver: User, code: str, *, address: str) -> IdToken:
    """Make the card with this code the driver's; the code works once.

    `InvalidInput` for a code that fits no card that is free, `TooManyRequests` after too many.
    The try is counted in a transaction of its own, whatever becomes of the rest.
    """
    attempt = _count_attempt(driver, address_group(address), clock.now())
    with transaction.atomic():
        lock_user(driver.pk)
        token = _free_card(code)
        if token is None:
            text = _("No card with this code can be linked. Look at the code again.")
            error = FieldError("code", "not_valid", text)
            raise InvalidInput(text, code="code_not_valid", errors=[error])
        if IdToken.objects.filter(user=driver).count() >= MOST_TOKENS:
            raise Conflict(_("You have too many cards already."), code="too_many_cards")
        token.user = driver
        token.link_code_digest = None
        token.save(update_fields=["user", "link_code_digest"])
        LinkAttempt.objects.filter(pk=attempt.pk).update(has_succeeded=True)
        audit.record(driver, "id_token.link", token)
    return token


@transaction.atomic
def _count_attempt(driver: User, address: str, now: datetime) -> LinkAttempt:
    # Under the driver's lock, so that tries at the same moment see each other.
    lock_user(driver.pk)
    _refuse_above(Q(user=driver), LIMITS_PER_DRIVER, now)
    _refuse_above(Q(address=address), LIMITS_PER_ADDRESS, now)
    return LinkAttempt.objects.create(user=driver, address=address[:64], at=now)


def _refuse_above(whose: Q, limits: Iterable[tuple[int, timedelta]], now: datetime) -> None:
    for most, period in limits:
        failures = LinkAttempt.objects.filter(whose, has_succeeded=False, at__gt=now - period)
        newest = list(failures.order_by("-at").values_list("at", flat=True)[:most])
        if len(newest) >= most:
            wait = newest[-1] + period - now
            text = _("Too many wrong codes. Try again later.")
            raise TooManyRequests(text, retry_after_seconds=round(wait.total_seconds()))


def _free_card(code: str) -> IdToken | None:
    """The card of the code, locked, if it is nobody's and may be used."""
    compact = normal_link_code(code)
    if not compact:
        return None
    return (
        IdToken.objects.select_for_update(of=("self",), no_key=True)
        .filter(
            link_code_digest=_digest(compact),
            user__isnull=True,
            status=IdTokenStatus.ACCEPTED.value,
        )
        .first()
    )


@transaction.atomic
def block(driver: User, token_id: int) -> IdToken:
    """No charging with it from now on; only the operator can undo it. `NotFound`; twice is once."""
    find_own(driver, token_id)
    locked = IdToken.objects.select_for_update(of=("self",), no_key=True).get(pk=token_id)
    if locked.status != IdTokenStatus.BLOCKED:
        locked.status = IdTokenStatus.BLOCKED.value
        locked.save(update_fields=["status"])
        audit.record(driver, "id_token.block", locked)
    return find_own(driver, token_id)


@transaction.atomic
def make_link_code(token: IdToken, *, actor: Actor) -> str:
    """A new code for a card that is nobody's, to be printed; shown once, an older one is void."""
    locked = IdToken.objects.select_for_update(of=("self",), no_key=True).get(pk=token.pk)
    if locked.user_id is not None:
        raise Conflict(_("The card is a driver's already."), code="card_linked")
    code = new_link_code()
    locked.link_code_digest = _digest(normal_link_code(code))
    locked.link_code_made_at = clock.now()
    locked.save(update_fields=["link_code_digest", "link_code_made_at"])
    audit.record(actor, "id_token.make_link_code", locked)
    return code


def _digest(compact: str) -> str:
    return search_digest("link code", compact)
