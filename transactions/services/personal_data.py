"""What `transactions` holds about a person; see `csms.common.personal_data`.

Sessions are the books behind tax invoices: they outlive an account, and after their time the
person is taken out of them while energy and money stay for the statistics.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.utils.translation import gettext_noop

from csms.common.personal_data import (
    Export,
    Kept,
    Obstacle,
    PersonalData,
    RetentionRule,
    delete_batch,
    masked_tokens,
    rows_of,
)
from transactions.domain.states import (
    OPEN_RESERVATION_STATES,
    UNFINISHED_SESSION_STATES,
    SessionState,
)
from transactions.models import CostLine, Reading, Reservation, Session, SessionEvent
from transactions.selectors.tariffs import version_for

EXPORTS = (
    Export(
        "charging_sessions",
        "การชาร์จของท่าน",
        "Your charging sessions",
        ("transactions.Session",),
        masked_tokens(
            rows_of(
                Session,
                "driver",
                "state",
                "authorization",
                "created_at",
                "started_at",
                "ended_at",
                "unplugged_at",
                "end_reason",
                "meter_start_wh",
                "meter_stop_wh",
                "energy_wh",
                "currency",
                "total_net",
                "total_tax",
                "total_gross",
                "priced_at",
                "is_held",
                masked_token="id_token_value",  # noqa: S106
                session_id="public_id",
                identity="station__public_code",
                site="station__site__name",
                evse_number="connector__evse__evse_id",
            )
        ),
    ),
    Export(
        "cost_lines",
        "รายการค่าใช้จ่ายของแต่ละการชาร์จ",
        "Lines of the prices of your sessions",
        ("transactions.CostLine",),
        rows_of(
            CostLine,
            "session__driver",
            "kind",
            "name",
            "quantity",
            "unit",
            "unit_price",
            "net",
            "tax",
            "gross",
            public_session_id="session__public_id",
        ),
    ),
    Export(
        "session_events",
        "เหตุการณ์ในแต่ละการชาร์จ",
        "What happened in your sessions",
        ("transactions.SessionEvent",),
        rows_of(
            SessionEvent, "session__driver", "at", "kind", public_session_id="session__public_id"
        ),
    ),
    Export(
        "meter_readings",
        "ค่าที่เครื่องชาร์จวัดระหว่างการชาร์จ",
        "What chargers measured in your sessions",
        ("transactions.Reading",),
        rows_of(
            Reading,
            "session__driver",
            "measured_at",
            "energy_wh",
            "power_w",
            "soc_percent",
            "current_a",
            "voltage_v",
            public_session_id="session__public_id",
        ),
    ),
    Export(
        "reservations",
        "การจอง",
        "Your reservations",
        ("transactions.Reservation",),
        rows_of(
            Reservation,
            "driver",
            "state",
            "created_at",
            "expires_at",
            "ended_at",
            identity="station__public_code",
        ),
    ),
)


# --- Before an account is closed ----------------------------------------------------------------
def _open_sessions(user_id: int, at: datetime) -> Iterable[Obstacle]:
    own = Session.objects.filter(driver_id=user_id)
    unfinished = own.filter(state__in=sorted(UNFINISHED_SESSION_STATES)).count()
    yield Obstacle(
        "sessions_open",
        gettext_noop("%(count)d charging sessions are open. Stop them first."),
        unfinished,
    )
    yield Obstacle(
        "sessions_unsettled",
        gettext_noop("The price of %(count)d sessions is not settled yet. Try again later."),
        _unsettled(own.filter(state=SessionState.ENDED, is_waived=False)),
    )
    reserved = Reservation.objects.filter(
        driver_id=user_id, state__in=sorted(OPEN_RESERVATION_STATES)
    )
    yield Obstacle(
        "reservations_open",
        gettext_noop("%(count)d reservations are open. Cancel them first."),
        reserved.count(),
    )


def _unsettled(ended: QuerySet[Session]) -> int:
    """How many are held, or have yet to get a price; where no tariff applied there is none."""
    held = ended.filter(is_held=True).count()
    unpriced = ended.filter(priced_at__isnull=True, is_held=False)
    without_version = unpriced.filter(tariff_version__isnull=True).select_related(
        "connector__evse__station__site"
    )
    due = [
        row
        for row in without_version
        if row.started_at is None or version_for(row.connector.evse, row.started_at)
    ]
    return held + unpriced.filter(tariff_version__isnull=False).count() + len(due)


# --- Kept ---------------------------------------------------------------------------------------
def _kept_sessions(user_id: int, at: datetime) -> Kept:
    own = Session.objects.filter(driver_id=user_id)
    newest = own.aggregate(newest=Max("ended_at"))["newest"] or at
    return Kept(
        "charging_sessions",
        own.count(),
        "Revenue Code s.87/3 (5 years, up to 7); Accounting Act s.14; PDPA s.33 para. 2",
        "หลักฐานทางบัญชีและภาษีของการชาร์จ เก็บโดยไม่มีชื่อและข้อมูลติดต่อของท่าน",
        "The books behind tax invoices, kept without your name and contact.",
        (newest + timedelta(days=settings.SESSION_RETENTION_DAYS)).date(),
    )


def _kept_readings(user_id: int, at: datetime) -> Kept:
    return Kept(
        "meter_readings",
        Reading.objects.filter(session__driver_id=user_id).count(),
        "PDPA s.33 para. 2 (legal claims)",
        "หลักฐานของพลังงานที่เรียกเก็บเงิน",
        "Evidence of the energy that was billed.",
        (at + timedelta(days=settings.READING_RETENTION_DAYS)).date(),
    )


def _kept_reservations(user_id: int, at: datetime) -> Kept:
    return Kept(
        "reservations",
        Reservation.objects.filter(driver_id=user_id).count(),
        "PDPA s.33 para. 2 (legal claims)",
        "หลักฐานของการจองที่อาจมีค่าบริการ",
        "Evidence of reservations that may have cost a fee.",
        (at + timedelta(days=settings.RESERVATION_RETENTION_DAYS)).date(),
    )


# --- How long -----------------------------------------------------------------------------------
def _named_sessions() -> QuerySet[Session]:
    return Session.objects.filter(
        Q(driver__isnull=False) | Q(id_token__isnull=False) | ~Q(id_token_value="")
    )


def _anonymise_old_sessions(limit: datetime, batch: int) -> int:
    """Take the person out of sessions whose books need not be kept any more."""
    with transaction.atomic():
        final = Q(state=SessionState.ENDED, ended_at__lt=limit) | Q(
            state__in=[SessionState.CANCELLED, SessionState.FAILED], created_at__lt=limit
        )
        keys = list(_named_sessions().filter(final).order_by().values_list("pk", flat=True)[:batch])
        if keys:
            # What the charger sent at start and end names the card as well.
            SessionEvent.objects.filter(session__in=keys).exclude(detail={}).update(detail={})
            Session.objects.filter(pk__in=keys).update(
                driver=None, id_token=None, id_token_value=""
            )
    return len(keys)


def _delete_old_reservations(limit: datetime, batch: int) -> int:
    ended = Reservation.objects.exclude(state__in=sorted(OPEN_RESERVATION_STATES))
    over = Q(ended_at__lt=limit) | Q(ended_at__isnull=True, expires_at__lt=limit)
    return delete_batch(ended.filter(over), batch)


PERSONAL_DATA = PersonalData(
    exports=EXPORTS,
    kept=(_kept_sessions, _kept_readings, _kept_reservations),
    obstacles=(_open_sessions,),
    retention=(
        RetentionRule(
            "charging_sessions",
            "SESSION_RETENTION_DAYS",
            "Revenue Code s.87/3; Accounting Act s.14",
            _anonymise_old_sessions,
        ),
        RetentionRule(
            "reservations",
            "RESERVATION_RETENTION_DAYS",
            "PDPA s.37 (3)",
            _delete_old_reservations,
        ),
    ),
    not_exported={"transactions.ReviewItem": "Names the staff who looked at a session."},
)
