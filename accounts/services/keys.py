"""API keys of partners and gateways: shown once, kept as a hash."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.domain.states import Scope
from accounts.models import ApiKey, Operator
from csms.common import audit, clock
from csms.common.audit import Actor, SystemActor
from csms.common.errors import FieldError, InvalidInput

PREFIX_BYTES = 5
SECRET_BYTES = 32
LAST_USED_RESOLUTION = timedelta(minutes=1)
_RAW = re.compile(r"csms_([0-9a-f]{10})_([A-Za-z0-9_-]{43})")
# What an unknown key is compared with, so that it costs the same time.
_NO_HASH = "0" * 64


def create_api_key(
    name: str,
    scopes: Iterable[str],
    operator: Operator | None = None,
    expires_at: datetime | None = None,
    *,
    actor: Actor | None = None,
) -> tuple[ApiKey, str]:
    """A new key and its raw text, which cannot be shown again; without `operator` it sees all."""
    wanted = list(dict.fromkeys(scopes))
    unknown = [scope for scope in wanted if scope not in {known.value for known in Scope}]
    if unknown or not wanted:
        choices = ", ".join(known.value for known in Scope)
        raise _invalid("scopes", _("Choose scopes from: %(choices)s.") % {"choices": choices})
    if not name.strip() or len(name) > 100 or not name.isprintable():
        raise _invalid("name", _("A name has 1 to 100 printable characters."))
    if expires_at is not None and expires_at <= clock.now():
        raise _invalid("expires_at", _("The key would have expired already."))
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
        )
        audit.record(
            actor or SystemActor("command line"),
            "api_key.create",
            key,
            changes={"name": key.name, "scopes": wanted, "operator": operator and operator.code},
        )
    return key, f"csms_{prefix}_{secret}"


def verify(raw: str) -> ApiKey | None:
    """The key behind `raw` if it is valid now; the same work whether it is known or not."""
    match = _RAW.fullmatch(raw)
    prefix, secret = match.groups() if match else ("", "")
    key = ApiKey.objects.filter(prefix=prefix).select_related("operator").first()
    expected = key.secret_hash if key is not None else _NO_HASH
    if not hmac.compare_digest(expected, _hash(secret)) or key is None:
        return None
    now = clock.now()
    if not _is_usable(key, now):
        return None
    _note_use(key, now)
    return key


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


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _invalid(field: str, detail: str) -> InvalidInput:
    return InvalidInput(detail, errors=[FieldError(field, "invalid", detail)])
