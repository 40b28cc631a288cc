"""The audit trail: every write by a person or a key leaves a row in the same transaction."""

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
    return AuditEntry.objects.create(
        actor_id=actor.audit_user_id,
        actor_label=actor.audit_label[:200],
        action=action,
        object_type=target._meta.label,
        object_id=str(target.pk),
        reason=reason[:500],
        changes=changes or {},
        request_id=current_request_id(),
    )
