"""What a list of sessions can be narrowed by."""

from datetime import datetime

from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce, Lower

from chargepoints.models import Station
from chargepoints.selectors.stations import IdentityField
from transactions.models import Session


def filtered(
    sessions: QuerySet[Session],
    *,
    identity: str = "",
    state: str = "",
    transaction_id: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    counts_unstarted: bool = False,
    known_by: IdentityField = "identity",
) -> QuerySet[Session]:
    """`transaction_id`: the charger's; for OCPP 1.6 the number that we gave. `since`: inclusive.

    `known_by`: what the caller calls stations by. `counts_unstarted`: what never started counts at
    the time when it was asked for.
    """
    if identity:
        named = Station.objects.alias(folded=Lower(known_by)).filter(folded=identity.lower())
        # Asked for first: a search for the name through all sessions reads them all.
        sessions = sessions.filter(station_id__in=list(named.values_list("pk", flat=True)))
    if state:
        sessions = sessions.filter(state=state)
    if transaction_id:
        ours = Q()
        if transaction_id.isascii() and transaction_id.isdigit() and len(transaction_id) < 19:
            ours = Q(pk=int(transaction_id), ocpp_transaction_id__isnull=True)
        sessions = sessions.filter(ours | Q(ocpp_transaction_id=transaction_id))
    when = "started_at"
    if counts_unstarted:
        sessions = sessions.alias(when=Coalesce("started_at", "created_at"))
        when = "when"
    if since is not None:
        sessions = sessions.filter(**{f"{when}__gte": since})
    if until is not None:
        sessions = sessions.filter(**{f"{when}__lt": until})
    return sessions
