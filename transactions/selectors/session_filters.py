"""What a list of sessions can be narrowed by."""

from datetime import datetime

from django.db.models import Q, QuerySet

from transactions.models import Session


def filtered(
    sessions: QuerySet[Session],
    *,
    identity: str = "",
    state: str = "",
    transaction_id: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[Session]:
    """`transaction_id`: the charger's; for OCPP 1.6 the number that we gave. `since`: inclusive."""
    if identity:
        sessions = sessions.filter(station__identity__iexact=identity)
    if state:
        sessions = sessions.filter(state=state)
    if transaction_id:
        ours = Q()
        if transaction_id.isascii() and transaction_id.isdigit() and len(transaction_id) < 19:
            ours = Q(pk=int(transaction_id), ocpp_transaction_id__isnull=True)
        sessions = sessions.filter(ours | Q(ocpp_transaction_id=transaction_id))
    if since is not None:
        sessions = sessions.filter(started_at__gte=since)
    if until is not None:
        sessions = sessions.filter(started_at__lt=until)
    return sessions
