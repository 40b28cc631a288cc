"""Staff are told of alerts by e-mail: claim, act, settle; a sweeper finds what was missed.

One mail lists all that nobody was told of: a thousand alerts at once are a few mails.
"""

from collections.abc import Sequence
from datetime import datetime
from smtplib import SMTPRecipientsRefused
from typing import Any

import structlog
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.selectors.staff import staff_who_may
from chargepoints.models import Alert
from chargepoints.selectors.alerts import operator_of, to_be_told

logger = structlog.get_logger(__name__)
MOST_IN_A_MAIL = 50


def tell_of(alert_id: int, at: datetime) -> None:
    """Tell the staff of this alert's operator of all that they were not told of."""
    operator_id = operator_of(alert_id)
    if operator_id is not None:
        tell_operator(operator_id, at)


def tell_due(at: datetime) -> None:
    """Tell everybody what a lost message or an unreachable mail server kept from them."""
    operators = to_be_told(at).order_by().values_list("station__site__operator", flat=True)
    for operator_id in operators.distinct():
        # A server that does not answer costs its timeout: once a run is enough.
        if not tell_operator(operator_id, at):
            return


def tell_operator(operator_id: int, at: datetime) -> bool:
    """Send what is due; False if the mail server was not reached and it stays due."""
    while alerts := _claim(operator_id, at):
        try:
            told = _send(alerts, operator_id)
        except OSError:
            logger.exception("alert_mails_not_sent", operator_id=operator_id, alerts=len(alerts))
            _settle(alerts, {"mail_claimed_at": None})
            return False
        # Told to nobody, they stay claimed and are tried again when the claim has run out.
        if told:
            _settle(alerts, {"notified_at": at})
    return True


@transaction.atomic
def _claim(operator_id: int, at: datetime) -> list[Alert]:
    # Never waits: alerts that count up meanwhile are locked in another order.
    due = (
        to_be_told(at)
        .filter(station__site__operator=operator_id)
        .select_related("station__site")
        .select_for_update(of=("self",), no_key=True, skip_locked=True)
    )
    alerts = list(due.order_by("first_at", "pk")[:MOST_IN_A_MAIL])
    Alert.objects.filter(pk__in=[alert.pk for alert in alerts]).update(mail_claimed_at=at)
    return alerts


def _settle(alerts: Sequence[Alert], changes: dict[str, Any]) -> None:
    # One by one, for the same reason.
    for alert in alerts:
        Alert.objects.filter(pk=alert.pk).update(**changes)


def _send(alerts: Sequence[Alert], operator_id: int) -> int:
    """How many people were told. Raises `OSError` if the server did not take the first mail.

    A later failure does not, since all would be repeated for those who have it.
    """
    recipients = staff_who_may("chargepoints.change_alert", operator_id)
    if not recipients:
        logger.warning("alerts_without_recipients", operator_id=operator_id)
        return 0
    told = 0
    with get_connection() as mail:
        for user in recipients:
            try:
                told += mail.send_messages([_message(user, alerts)]) or 0
            except SMTPRecipientsRefused:
                logger.exception("alert_mail_refused", user_id=user.pk)
            except OSError:
                if not told:
                    raise
                logger.exception("alert_mail_not_sent", user_id=user.pk)
    return told


def _message(user: User, alerts: Sequence[Alert]) -> EmailMessage:
    with translation.override(user.language):
        if len(alerts) == 1:
            only = alerts[0]
            what = {"kind": only.get_kind_display(), "station": only.station.identity}
            subject = _("[CSMS] %(kind)s: %(station)s") % what
            path = reverse("admin:chargepoints_alert_change", args=[only.pk])
        else:
            subject = _("[CSMS] %(count)d new alerts") % {"count": len(alerts)}
            path = reverse("admin:chargepoints_alert_changelist")
        context = {"alerts": alerts, "url": settings.PUBLIC_URL.rstrip("/") + path}
        text = render_to_string("mail/alerts.txt", context)
    # An identity may hold any character, a header no line break.
    return EmailMessage(" ".join(subject.split()), text, to=[user.email or ""])
