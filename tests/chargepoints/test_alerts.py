"""Alerts: one open row for the same again, seen by its operator's staff, told of once."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from smtplib import SMTPServerDisconnected
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend
from django.utils import translation
from pytest_django import DjangoCaptureOnCommitCallbacks

from chargepoints import tasks
from chargepoints.models import Alert, Station
from chargepoints.selectors import alerts as selectors
from chargepoints.services import alert_mails, alerts, anomalies
from csms.common.clock import now
from csms.common.errors import InvalidInput, NotFound
from csms.common.models import AuditEntry
from tests.support.factories import (
    make_alert,
    make_api_key,
    make_driver,
    make_operator,
    make_site,
    make_staff,
    make_station,
    make_superadmin,
)
from tests.support.threads import in_threads

KIND = Alert.Kind.WRONG_CREDENTIALS


@pytest.fixture
def station(db: None) -> Station:
    return make_station("TH-1", site=make_site(make_operator("ours")))


@pytest.mark.django_db
class TestRaising:
    def test_the_same_again_counts_up_and_is_told_of_once(
        self,
        station: Station,
        django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    ) -> None:
        first, later = now() - timedelta(minutes=5), now()
        with django_capture_on_commit_callbacks() as told:
            alerts.raise_alert(station.pk, KIND, detail="one", at=first)
            alerts.raise_alerts(
                [
                    alerts.Occurrence(station.pk, KIND, "two", first),
                    alerts.Occurrence(station.pk, KIND, "three\x00" + "x" * 2000, later),
                    alerts.Occurrence(station.pk, Alert.Kind.ANOTHER_DEVICE, "", later),
                    alerts.Occurrence(station.pk, Alert.Kind.ANOTHER_DEVICE, "", later),
                ]
            )
        assert len(told) == 2, "one for each kind that opened"
        wrong, other = Alert.objects.order_by("pk")
        assert (wrong.kind, wrong.severity, wrong.count) == (KIND, "WARNING", 3)
        assert (wrong.first_at, wrong.last_at) == (first, later)
        assert wrong.detail == ("three" + "x" * 2000)[:1000]
        assert (other.severity, other.count) == ("CRITICAL", 2)

    def test_it_opens_anew_after_it_was_resolved_not_after_it_was_acknowledged(
        self, station: Station
    ) -> None:
        staff = make_staff()
        for act in (
            lambda alert: alerts.acknowledge(alert.pk, actor=staff),
            lambda alert: alerts.resolve(alert.pk, actor=staff, reason="done"),
            lambda alert: None,
        ):
            alerts.raise_alert(station.pk, KIND, detail="", at=now())
            act(Alert.objects.latest("pk"))
        assert list(Alert.objects.order_by("pk").values_list("count", flat=True)) == [2, 1]

    def test_only_some_deviations_alert(self, station: Station) -> None:
        for kind in ("string_cut", "refused: wrong_password", "refused: no_credentials"):
            anomalies.record(station.pk, kind, "198.51.100.7", now())
        alert = Alert.objects.get()
        assert (alert.kind, alert.count) == (KIND, 2)
        assert alert.detail == "no_credentials, 198.51.100.7"


@pytest.mark.django_db(transaction=True)
def test_raised_at_once_it_is_one_row_and_one_mail(mailoutbox: list[EmailMessage]) -> None:
    station = make_station()
    make_staff(operators=[station.site.operator])

    def work(_number: int) -> None:
        for _time in range(5):
            alerts.raise_alert(station.pk, KIND, detail="", at=now())

    in_threads(4, work)
    assert Alert.objects.get().count == 20
    tasks.tell_of_due_alerts()  # the first may have been told of while it counted up
    assert len(mailoutbox) == 1


@pytest.mark.django_db
class TestHandling:
    def test_a_repeated_call_changes_nothing(self, station: Station) -> None:
        night, day = make_staff("night@example.com"), make_staff("day@example.com")
        key, _raw = make_api_key(("operate",))
        alert = make_alert(station)
        seen = alerts.acknowledge(alert.pk, actor=night, reason="on my way")
        assert alerts.acknowledge(alert.pk, actor=day).acknowledged_at == seen.acknowledged_at
        closed = alerts.resolve(alert.pk, actor=key, reason=" new password ")
        again = alerts.resolve(alert.pk, actor=day, reason="no, me")
        assert again.resolved_at == closed.resolved_at
        assert (again.acknowledged_by, again.resolved_by) == (night, None)
        assert again.resolution == "new password"
        entries = AuditEntry.objects.filter(action__startswith="alert.").order_by("at")
        assert list(entries.values_list("action", "actor_label", "reason")) == [
            ("alert.acknowledge", "night@example.com", "on my way"),
            ("alert.resolve", key.audit_label, "new password"),
        ]

    def test_who_resolves_has_seen_it_and_says_why(self, station: Station) -> None:
        staff, alert = make_staff(), make_alert(station)
        with pytest.raises(InvalidInput):
            alerts.resolve(alert.pk, actor=staff, reason="  ")
        assert alerts.resolve(alert.pk, actor=staff, reason="x").acknowledged_by == staff

    def test_people_see_their_operators_alerts(self, station: Station) -> None:
        mine, foreign = make_alert(station), make_alert()
        staff = make_staff(operators=[station.site.operator])
        assert list(selectors.visible_to(staff)) == [mine]
        assert set(selectors.visible_to(make_superadmin())) == {mine, foreign}
        for caller in (make_driver(), AnonymousUser(), make_staff()):
            assert not selectors.visible_to(caller).exists()
        with pytest.raises(NotFound):
            selectors.find(staff, foreign.pk)


@contextmanager
def sending(*outcomes: Any) -> Iterator[mock.Mock]:
    """Each call of the mail server ends as told; None is a mail that is out."""
    real = EmailBackend.send_messages
    left = list(outcomes)

    def send(backend: EmailBackend, messages: list[EmailMessage]) -> int:
        outcome = left.pop(0) if left else None
        if outcome is not None:
            raise outcome
        return int(real(backend, messages))

    with mock.patch.object(EmailBackend, "send_messages", autospec=True, side_effect=send) as sent:
        yield sent


@pytest.mark.django_db
class TestMails:
    def test_the_operators_staff_read_it_in_their_language(
        self, station: Station, mailoutbox: list[EmailMessage]
    ) -> None:
        ours = station.site.operator
        make_staff("en@example.com", operators=[ours], language="en")
        make_staff("th@example.com", operators=[ours, make_operator()])
        make_staff("away@example.com", operators=[ours], is_active=False)
        make_staff("foreign@example.com", operators=[make_operator()])
        make_superadmin("root@example.com")
        Station.objects.update(identity="TH\n1")
        said = "Sign in at https://evil.example/"
        alert = make_alert(station, Alert.Kind.CRITICAL_SECURITY_EVENT, detail=said)
        tasks.tell_of_alert(alert.pk)
        tasks.tell_of_alert(alert.pk)
        tasks.tell_of_due_alerts()
        assert [mail.to for mail in mailoutbox] == [["en@example.com"], ["th@example.com"]]
        english, thai = mailoutbox
        assert english.subject == "[CSMS] Critical security event: TH 1"
        assert f"http://localhost:8000/admin/chargepoints/alert/{alert.pk}/" in english.body
        with translation.override("th"):
            assert str(Alert.Kind.CRITICAL_SECURITY_EVENT.label) in thai.subject
        assert all("evil" not in mail.body for mail in mailoutbox)

    def test_without_staff_of_its_own_an_operator_has_the_superadmins(
        self, station: Station, mailoutbox: list[EmailMessage]
    ) -> None:
        make_driver()
        alert = make_alert(station)
        tasks.tell_of_alert(alert.pk)
        alert.refresh_from_db()
        assert alert.notified_at is None, "there was nobody"
        make_superadmin("root@example.com")
        alert_mails.tell_due(now() + selectors.MAIL_LEASE + timedelta(seconds=1))
        assert [mail.to for mail in mailoutbox] == [["root@example.com"]]

    def test_many_at_once_are_one_mail(
        self, station: Station, mailoutbox: list[EmailMessage]
    ) -> None:
        make_staff(operators=[station.site.operator], language="en")
        for number in range(30):
            make_alert(make_station(f"S{number}", site=station.site))
        seen = make_alert(make_station("SEEN", site=station.site), acknowledged_at=now())
        tasks.tell_of_due_alerts()
        (mail,) = mailoutbox
        assert mail.subject == "[CSMS] 30 new alerts"
        assert "S29" in mail.body
        assert "SEEN" not in mail.body, "somebody sees to it already"
        seen.refresh_from_db()
        assert seen.notified_at is None

    def test_an_unreachable_server_is_tried_again_by_the_sweeper(
        self, station: Station, mailoutbox: list[EmailMessage]
    ) -> None:
        other = make_station()
        for one in (station, other):
            make_staff(operators=[one.site.operator])
        alert = make_alert(station)
        make_alert(other)  # not tried in vain in the same run
        with sending(ConnectionRefusedError(), SMTPServerDisconnected()) as sent:
            tasks.tell_of_alert(alert.pk)
            tasks.tell_of_due_alerts()
            assert sent.call_count == 2
            alert.refresh_from_db()
            assert (alert.mail_claimed_at, alert.notified_at) == (None, None)
            tasks.tell_of_due_alerts()
        assert len(mailoutbox) == 2
        alert.refresh_from_db()
        assert alert.notified_at is not None

    def test_who_was_reached_is_not_written_to_again(
        self, station: Station, mailoutbox: list[EmailMessage]
    ) -> None:
        for _person in range(2):
            make_staff(operators=[station.site.operator])
        alert = make_alert(station)
        with sending(None, SMTPServerDisconnected()):
            tasks.tell_of_alert(alert.pk)
            tasks.tell_of_due_alerts()
        assert len(mailoutbox) == 1

    def test_the_claim_of_a_process_that_died_runs_out(
        self, station: Station, mailoutbox: list[EmailMessage]
    ) -> None:
        make_staff(operators=[station.site.operator])
        alert = make_alert(station, mail_claimed_at=now())
        alert_mails.tell_of(alert.pk, now())
        assert mailoutbox == []
        alert_mails.tell_due(now() + selectors.MAIL_LEASE + timedelta(seconds=1))
        assert len(mailoutbox) == 1
