"""Quirk profiles and deviations in the console."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from chargepoints.models import QuirkProfile, Station
from chargepoints.services import anomalies
from csms.common.clock import now
from csms.common.models import AuditEntry
from tests.console.conftest import World
from tests.console.test_pages import SCRIPT, page_state

SignIn = Callable[[User], Client]
LIST = "admin:chargepoints_quirkprofile_changelist"
FORM = {
    "name": "Acme's clock",
    "is_active": "on",
    "note": "",
    "vendor": "Acme*",
    "model": "",
    "firmware": "",
    "default_subprotocol": "",
    "strictness": "lenient",
    "register_kind": "per_session",
    "clock_zone": "Asia/Bangkok",
    "start_connector": "optional",
    "longest_configuration_value": "500",
}
pytestmark = pytest.mark.django_db


def test_a_superadmin_makes_and_edits_profiles_and_it_is_in_the_audit_trail(
    world: World, sign_in: SignIn
) -> None:
    client = sign_in(world.superadmin)
    add = reverse("admin:chargepoints_quirkprofile_add")
    refused = client.post(add, {**FORM, "clock_zone": "Asia/Nowhere"})
    assert "clock_zone" in refused.context["adminform"].form.errors
    assert client.post(add, FORM).status_code == 302
    profile = QuirkProfile.objects.get(name=FORM["name"])
    assert profile.quirks.clock_zone is not None
    change = reverse("admin:chargepoints_quirkprofile_change", args=[profile.pk])
    assert client.post(change, {**FORM, "clock_zone": ""}).status_code == 302
    profile.refresh_from_db()
    assert profile.quirks.clock_zone is None
    actions = AuditEntry.objects.filter(object_id=str(profile.pk)).values_list("action", flat=True)
    assert set(actions) == {"quirkprofile.create", "quirkprofile.update"}
    Station.objects.update(matched_profile=profile)
    listed = client.get(reverse(LIST)).context["cl"].result_list
    assert {p.name: p.station_count for p in listed}[profile.name] == 2


def test_staff_see_profiles_edit_none_and_choose_one_for_their_stations(
    world: World, sign_in: SignIn
) -> None:
    profile = QuirkProfile.objects.create(name="Mute", answers_no_pings=True)
    client = sign_in(world.staff)
    assert "Mute" in client.get(reverse(LIST)).content.decode()
    url = reverse("admin:chargepoints_quirkprofile_change", args=[profile.pk])
    assert client.get(url).status_code == 200
    assert client.post(url, FORM).status_code == 403
    assert client.get(reverse("admin:chargepoints_quirkprofile_add")).status_code == 403
    data = {
        "site": world.ours.site_id,
        "name": "",
        "allowed_versions": ["ocpp1.6"],
        "security_profile": 1,
        "registration_status": "Accepted",
        "quirk_profile": profile.pk,
    }
    change = reverse("admin:chargepoints_station_change", args=[world.ours.pk])
    assert client.post(change, data).status_code == 302
    entry = AuditEntry.objects.get(action="station.update")
    assert entry.changes["quirk_profile"] == [None, profile.pk]
    page = f"/admin/stations/{world.ours.pk}/"
    assert page_state(client.get(page))["station"]["quirk_profile"] == "Mute (chosen here)"
    Station.objects.update(quirk_profile=None, matched_profile=profile)
    fits = "Mute (fits what it reports)"
    assert page_state(client.get(page))["station"]["quirk_profile"] == fits


def test_deviations_are_shown_by_vendor_and_what_vendors_write_is_inert(
    world: World, sign_in: SignIn, django_assert_max_num_queries: Any
) -> None:
    Station.objects.filter(pk=world.ours.pk).update(vendor=SCRIPT, model='a"&b=1', is_online=True)
    Station.objects.filter(pk=world.theirs.pk).update(vendor="Foreign")
    for station in (world.ours, world.theirs):
        detail = "It sends the local time of UTC+07:00 as UTC."
        anomalies.record(station.pk, "clock_is_local_time", detail, now())
        anomalies.record(station.pk, SCRIPT, SCRIPT, now())
    client = sign_in(world.staff)
    url = reverse("admin:console_deviations")
    with django_assert_max_num_queries(13):
        html = client.get(url).content.decode()
    assert "alert(1)" in html
    assert SCRIPT not in html
    assert "Foreign" not in html
    assert f'href="{url}"' in html, "in the side bar"
    # Only who may make a profile is led to one.
    assert reverse("admin:chargepoints_quirkprofile_add") not in html
    html = sign_in(world.superadmin).get(url).content.decode()
    assert SCRIPT not in html
    assert "Foreign" in html
    proposal = client.get(
        reverse("admin:chargepoints_quirkprofile_add"),
        {"vendor": "Foreign", "clock_zone": "Asia/Bangkok"},
    )
    assert proposal.context["adminform"].form["clock_zone"].value() == "Asia/Bangkok"
    assert "model=a%22%26b%3D1" in html
