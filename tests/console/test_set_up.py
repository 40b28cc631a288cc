"""How an invited person comes in: the link, and the page that it leads to."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django_otp.oath import totp

from accounts.models import (
    Authenticator,
    ConsoleSession,
    LoginAttempt,
)
from accounts.services import invitations
from csms.common import clock
from tests.console.conftest import World, is_inside, signed_in_client
from tests.support.account_messages import written_to
from tests.support.mail import DELIVERING

pytestmark = pytest.mark.django_db


class TestSetUpLinksByMail:
    @pytest.fixture(autouse=True)
    def _mail_server(self, settings: Any) -> None:
        settings.EMAIL_BACKEND = DELIVERING

    def test_a_new_person_gets_it_and_nobody_else(self, world: World) -> None:
        client = signed_in_client(world.superadmin)
        body = {
            "email": "new@example.com",
            "role": "STAFF",
            "operators": [world.operator.pk],
            "language": "en",
        }
        page = client.post(reverse("admin:accounts_user_add"), body, follow=True)
        shown = page.content.decode()
        assert "The set-up link goes to new@example.com" in shown
        assert "/admin/set-up/#" not in shown
        assert "/admin/set-up/#" in written_to("new@example.com")[-1]

    def test_one_that_is_not_sent_yet_shows(self, world: World) -> None:
        client = signed_in_client(world.superadmin)
        invitations.renew_access(world.staff, actor=world.superadmin, at=clock.now())
        url = reverse("admin:accounts_user_change", args=[world.staff.pk])
        assert "not sent yet, tried 0 times" in client.get(url).content.decode()
        assert written_to(str(world.staff.email))
        assert "not sent yet" not in client.get(url).content.decode()

    def test_who_lost_the_phone_does_as_well(self, world: World) -> None:
        client = signed_in_client(world.superadmin)
        url = reverse("admin:accounts_user_renew_second_factor", args=[world.staff.pk])
        page = client.post(url, follow=True)
        assert "The set-up link goes to" in page.content.decode()
        assert "/admin/set-up/#" in written_to(str(world.staff.email))[-1]


class TestSetUpPage:
    def test_what_is_wrong_is_said_and_nothing_used_up(self, world: World) -> None:
        _user, invitation, token = invitations.invite_staff(
            "new@example.com",
            "STAFF",
            [world.operator],
            actor=world.superadmin,
            at=clock.now(),
        )
        client, url = Client(), reverse("admin:set_up")
        assert client.post(url, {"token": "A" * 43}).status_code == 400
        assert client.get(url).status_code == 200
        client.post(url, {"token": f" {token} "})
        device = invitations.begin(invitation)
        assert client.get(url).context["secret"].replace(" ", "") in device.provisioning_uri
        good = {"password": "my-own-long-secret", "password_again": "my-own-long-secret"}
        for wrong, text in (
            ({"password_again": "other"}, "The two passwords differ"),
            ({"password": "x", "password_again": "x"}, "too short"),
            ({"code": ""}, "required"),
            ({"code": "000000"}, "This code is not valid"),
        ):
            code = f"{totp(device.key):06}"
            answer = client.post(url, {**good, "code": code, **wrong})
            assert answer.status_code == 400
            assert text in answer.content.decode(), wrong
        Authenticator.objects.update(throttling_failure_timestamp=None)
        answer = client.post(url, {**good, "code": f"{totp(device.key):06}"})
        assert answer.status_code == 200
        assert len(answer.context["secrets"][0][1].split()) == 10
        assert is_inside(client)
        newest = LoginAttempt.objects.get()
        assert (newest.outcome, newest.username) == ("SUCCEEDED", "new@example.com")
        assert ConsoleSession.objects.get().method == "SET_UP_LINK"
