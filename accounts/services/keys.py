"""API keys of partners and gateways: shown once, kept as a hash."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.domain.networks import NotANetwork, contains, parse_networks
from accounts.domain.states import Scope
from accounts.models import ApiKey, Operator, RetiredSecret
from csms.common import audit, clock
from csms.common.audit import Actor, SystemActor
from csms.common.errors import Conflict, FieldError, InvalidInput

logger = structlog.get_logger(__name__)

PREFIX_BYTES = 5
SECRET_BYTES = 32
LAST_USED_RESOLUTION = timedelta(minutes=1)
DEFAULT_OVERLAP = timedelta(hours=24)
LONGEST_OVERLAP = timedelta(days=7)
_RAW = re.compile(r"csms_([0-9a-f]{10})_([A-Za-z0-9_-]{43})")
# What an unknown key is compared with, so that it costs the same time.
_NO_HASH = "0" * 64


def create_api_key(
    name: str,
    scopes: Iterable[str],
    operator: Operator | None = None,
    expires_at: datetime | None = None,
    *,
    allowed_networks: Iterable[str] = (),
    actor: Actor | None = None,
) -> tuple[ApiKey, str]:
    """A new key and its raw text, which cannot be shown again; without `operator` it sees all.

    With `allowed_networks` (CIDR) it opens something only to callers from there.
    """
    wanted = list(dict.fromkeys(scopes))
    unknown = [scope for scope in wanted if scope not in {known.value for known in Scope}]
    if unknown or not wanted:
        choices = ", ".join(known.value for known in Scope)
        raise _invalid("scopes", _("Choose scopes from: %(choices)s.") % {"choices": choices})
    if not name.strip() or len(name) > 100 or not name.isprintable():
        raise _invalid("name", _("A name has 1 to 100 printable characters."))
    if expires_at is not None and expires_at <= clock.now():
        raise _invalid("expires_at", _("The key would have expired already."))
    networks = _checked_networks(allowed_networks)
    prefix = secrets.token_hex(PREFIX_BYTES)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    with transaction.atomic():
        key = ApiKey.objects.create(
            name=name.strip(),
            prefix=prefix,
            secret_hash=_hash(secret),
            scopes=wanted,
            operator=operator,
            expires_at=expires_at,
            allowed_networks=networks,
        )
        audit.record(
            actor or SystemActor("command line"),
            "api_key.create",
            key,
            changes={
                "name": key.name,
                "scopes": wanted,
                "operator": operator and operator.code,
                "allowed_networks": networks,
            },
        )
    return key, _raw(key, secret)


@transaction.atomic
def rotate(
    key: ApiKey, *, overlap: timedelta = DEFAULT_OVERLAP, actor: Actor, reason: str = ""
) -> tuple[ApiKey, str]:
    """A new secret for the key and its raw text; the one before works for `overlap` still.

    Secrets of earlier rotations keep the time that they were promised. `InvalidInput` unless
    `overlap` is between 0 and 7 days; `Conflict` if the key is void.
    """
    if not timedelta() <= overlap <= LONGEST_OVERLAP:
        raise _invalid("overlap_hours", _("The overlap is between 0 hours and 7 days (168 hours)."))
    now = clock.now()
    locked = ApiKey.objects.select_for_update(of=("self",), no_key=True).get(pk=key.pk)
    if locked.revoked_at is not None or (locked.expires_at and locked.expires_at <= now):
        raise Conflict(_("The key is void: make a new one."), code="key_void")
    RetiredSecret.objects.filter(key=locked, valid_until__lte=now).delete()
    if overlap:
        RetiredSecret.objects.create(
            key=locked, secret_hash=locked.secret_hash, valid_until=now + overlap
        )
    secret = secrets.token_urlsafe(SECRET_BYTES)
    locked.secret_hash, locked.rotated_at = _hash(secret), now
    locked.save(update_fields=["secret_hash", "rotated_at"])
    audit.record(
        actor,
        "api_key.rotate",
        locked,
        reason=reason,
        changes={"old_secret_valid_until": (now + overlap).isoformat()},
    )
    return locked, _raw(locked, secret)


@transaction.atomic
def end_overlap(key: ApiKey, *, actor: Actor, reason: str = "") -> int:
    """Void the secrets before the newest at once; how many still worked."""
    locked = ApiKey.objects.select_for_update(of=("self",), no_key=True).get(pk=key.pk)
    ended = RetiredSecret.objects.filter(key=locked, valid_until__gt=clock.now()).count()
    RetiredSecret.objects.filter(key=locked).delete()
    if ended:
        audit.record(actor, "api_key.end_overlap", locked, reason=reason)
    return ended


@transaction.atomic
def set_allowed_networks(
    key: ApiKey, networks: Iterable[str], *, actor: Actor, reason: str = ""
) -> ApiKey:
    """From where the key may be used; none: from anywhere. `InvalidInput` on what is no network."""
    wanted = _checked_networks(networks)
    locked = ApiKey.objects.select_for_update(of=("self",), no_key=True).get(pk=key.pk)
    if locked.allowed_networks != wanted:
        changes = {"allowed_networks": {"from": locked.allowed_networks, "to": wanted}}
        locked.allowed_networks = wanted
        locked.save(update_fields=["allowed_networks"])
        audit.record(actor, "api_key.set_networks", locked, reason=reason, changes=changes)
    return locked


def verify(raw: str, *, address: str = "") -> ApiKey | None:
    """The key behind `raw` if it is valid now and for a caller at `address` (empty: nowhere).

    The same work whether it is known or not.
    """
    match = _RAW.fullmatch(raw)
    prefix, secret = match.groups() if match else ("", "")
    key = ApiKey.objects.filter(prefix=prefix).select_related("operator").first()
    now = clock.now()
    if not _fits(key, _hash(secret), now) or key is None or not _is_usable(key, now):
        return None
    if key.allowed_networks and not contains(key.allowed_networks, address):
        logger.warning("api_key_from_elsewhere", key_prefix=key.prefix, address=address)
        return None
    _note_use(key, now)
    return key


def _fits(key: ApiKey | None, given: str, now: datetime) -> bool:
    """Whether it is the hash of the key's secret, or of one that was retired a while ago."""
    if hmac.compare_digest(key.secret_hash if key is not None else _NO_HASH, given):
        return key is not None
    retired = RetiredSecret.objects.filter(key=key.pk if key is not None else 0)
    return any(
        hmac.compare_digest(known, given)
        for known in retired.filter(valid_until__gt=now).values_list("secret_hash", flat=True)
    )


def _is_usable(key: ApiKey, now: datetime) -> bool:
    return (
        key.revoked_at is None
        and (key.expires_at is None or key.expires_at > now)
        and (key.operator is None or key.operator.is_active)
    )


def _note_use(key: ApiKey, now: datetime) -> None:
    limit = now - LAST_USED_RESOLUTION
    if key.last_used_at is not None and key.last_used_at > limit:
        return
    unnoted = Q(last_used_at__isnull=True) | Q(last_used_at__lte=limit)
    ApiKey.objects.filter(unnoted, pk=key.pk).update(last_used_at=now)
    key.last_used_at = now


@transaction.atomic
def revoke(key: ApiKey, *, actor: Actor, reason: str = "") -> None:
    """Void the key from now on. Again: no change."""
    if ApiKey.objects.filter(pk=key.pk, revoked_at__isnull=True).update(revoked_at=clock.now()):
        audit.record(actor, "api_key.revoke", key, reason=reason)


def _checked_networks(networks: Iterable[str]) -> list[str]:
    try:
        return parse_networks(networks)
    except NotANetwork as error:
        text = _("%(text)s is no network. Write it like 203.0.113.0/24 or 2001:db8::/48.")
        raise _invalid("allowed_networks", text % {"text": str(error)[:60]}) from error


def _raw(key: ApiKey, secret: str) -> str:
    return f"csms_{key.prefix}_{secret}"


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _invalid(field: str, detail: str) -> InvalidInput:
    return InvalidInput(detail, errors=[FieldError(field, "invalid", detail)])
