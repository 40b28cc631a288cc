"""A driver's sessions as rows of a table."""

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from chargepoints.api.representation import shown_identity
from csms.common.clock import BANGKOK
from transactions.models import Session

COLUMNS = (
    _("session"),
    _("site"),
    _("station"),
    _("EVSE number"),
    _("state"),
    _("started"),
    _("ended"),
    _("energy (kWh)"),
    _("net"),
    _("VAT"),
    _("total"),
    _("currency"),
)
_AT_ONCE = 500


def history_rows(sessions: QuerySet[Session], *, technical: bool) -> Iterator[list[Any]]:
    """All of them, newest first, read page by page: the times are those in Bangkok."""
    before: int | None = None
    while True:
        rows = sessions if before is None else sessions.filter(pk__lt=before)
        page = list(rows.order_by("-pk")[:_AT_ONCE])
        for session in page:
            yield _row(session, technical=technical)
        if len(page) < _AT_ONCE:
            return
        before = page[-1].pk


def _row(session: Session, *, technical: bool) -> list[Any]:
    return [
        session.public_id,
        session.station.site.name,
        shown_identity(session.station, technical=technical),
        session.connector.evse.evse_id,
        session.state,
        _local(session.started_at),
        _local(session.ended_at),
        f"{session.energy_wh / 1000:.3f}",
        session.total_net,
        session.total_tax,
        session.total_gross,
        session.currency,
    ]


def _local(at: Any) -> str:
    return "" if at is None else f"{at.astimezone(BANGKOK):%Y-%m-%d %H:%M:%S}"
