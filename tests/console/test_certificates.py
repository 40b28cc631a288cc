"""Certificates of chargers in the console."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from chargepoints.models import CertificateRequest, PasswordChange
from chargepoints.services import commands
from csms.common import clock
from csms.common.models import AuditEntry
from tests.console.conftest import World
from tests.support.certificates import Authority
from tests.support.factories import make_operator, make_staff

pytestmark = pytest.mark.django_db


def test_a_signed_certificate_is_revoked_after_a_question(
    world: World, sign_in: Callable[[User], Client]
) -> None:
    signed, refused = (
        CertificateRequest.objects.create(
            station=world.ours, csr="", state=state, chain=chain, received_at=clock.now()
        )
        for state, chain in (
            ("INSTALLED", Authority().issue(world.ours.identity).certificate),
            ("REFUSED", ""),
        )
    )
    client = sign_in(world.staff)
    pages = [
        reverse("admin:chargepoints_certificaterequest_change", args=[each.pk])
        for each in (signed, refused)
    ]
    offered = [page for page in pages if "/revoke" in client.get(page).content.decode()]
    assert offered == [pages[0]]
    url = next(
        part for part in client.get(pages[0]).content.decode().split('"') if "/revoke" in part
    )
    assert "lets nobody in" in client.get(url).content.decode()
    stranger = sign_in(make_staff(operators=[make_operator()]))
    assert stranger.post(url).status_code == 404
    signed.refresh_from_db()
    assert signed.revoked_at is None
    client = sign_in(world.staff)
    assert client.post(url, {"reason": "Stolen"}).status_code == 302
    signed.refresh_from_db()
    assert signed.revoked_at is not None
    entry = AuditEntry.objects.get(action="certificate.revoke")
    assert (entry.actor, entry.reason) == (world.staff, "Stolen")
    assert "/revoke" not in client.get(pages[0]).content.decode()


def test_a_password_that_a_charger_was_told_is_shown_without_it(
    world: World, sign_in: Callable[[User], Client]
) -> None:
    command = commands.request(world.ours, "clear_cache", {}, actor=world.superadmin)
    change = PasswordChange.objects.create(
        station=world.ours, command=command, password_hash="argon2station$hash"
    )
    client = sign_in(world.staff)
    for name, arguments in (("changelist", []), ("change", [change.pk])):
        page = client.get(reverse(f"admin:chargepoints_passwordchange_{name}", args=arguments))
        assert world.ours.identity in page.content.decode()
        assert "argon2station" not in page.content.decode()
