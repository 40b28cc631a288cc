"""The audit trail: every write by a person or a key leaves a row in the same transaction."""

from collections.abc import Iterable
from typing import Any, Protocol

from csms.common.http import current_request_id
from csms.common.models import AuditEntry


class Actor(Protocol):
    """Who acts: a user, an API key, or the system itself."""

    @property
    def audit_label(self) -> str: ...
    @property
    def audit_user_id(self) -> int | None: ...


class SystemActor:
    """The program itself, named by the part that acts (`sweeper`, `import`, `gateway`)."""

    audit_user_id = None

    def __init__(self, part: str) -> None:
        self.audit_label = f"system:{part}"


def record(
    actor: Actor,
    action: str,
    target: Any,
    *,
    reason: str = "",
    changes: dict[str, Any] | None = None,
) -> AuditEntry:
    """Write one entry about `target` (a model instance)."""
    entry = _entry(actor, action, target, reason, changes)
    entry.save(force_insert=True)
    return entry


def record_many(
    actor: Actor, action: str, changes: Iterable[tuple[Any, dict[str, Any]]], *, reason: str = ""
) -> None:
    """Write one entry for each (model instance, its changes), in few statements."""
    AuditEntry.objects.bulk_create(
        [_entry(actor, action, target, reason, change) for target, change in changes],
        batch_size=1000,
    )


def _entry(
    actor: Actor, action: str, target: Any, reason: str, changes: dict[str, Any] | None
) -> AuditEntry:
    return AuditEntry(
        actor_id=actor.audit_user_id,
        actor_label=actor.audit_label[:200],
        action=action,
        object_type=target._meta.label,
        object_id=str(target.pk),
        reason=reason[:500],
        changes=changes or {},
        request_id=current_request_id(),
    )
