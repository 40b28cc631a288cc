from django.db.models import OuterRef, QuerySet, Subquery

from accounts.domain.consents import Decision, Purpose
from accounts.models import ConsentRecord, User
from accounts.selectors.scope import Caller


def visible_to(caller: Caller) -> QuerySet[ConsentRecord]:
    """A person's own decisions."""
    if isinstance(caller, User) and caller.is_active:
        return ConsentRecord.objects.filter(user=caller)
    return ConsentRecord.objects.none()


def newest(records: QuerySet[ConsentRecord]) -> QuerySet[ConsentRecord]:
    """Of each person and purpose the record that counts."""
    later = ConsentRecord.objects.filter(user=OuterRef("user"), purpose=OuterRef("purpose"))
    return records.filter(pk=Subquery(later.order_by("-at", "-id").values("pk")[:1]))


def current(user: User) -> list[ConsentRecord]:
    """What holds now, one record for each purpose that was ever decided; for the profile."""
    return list(newest(ConsentRecord.objects.filter(user=user)).order_by("purpose"))


def has_given(user: User, purpose: Purpose) -> bool:
    latest = ConsentRecord.objects.filter(user=user, purpose=purpose).first()
    return latest is not None and latest.decision == Decision.GIVEN
