"""The console's list of alerts and the dashboard's panel."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from chargepoints.models import Alert, Station
from csms.common.clock import now
from csms.common.models import AuditEntry
from csms.console.navigation import open_alerts
from csms.console.snapshots import dashboard
from tests.console.conftest import World
from tests.support.factories import make_alert

SignIn = Callable[[User], Client]
Kind = Alert.Kind
LIST = "/admin/chargepoints/alert/"
SCRIPT = "<script>alert(1)</script>"
QUERIES = 21
pytestmark = pytest.mark.django_db


def shown(client: Client, state: str = "") -> set[int]:
    response = client.get(LIST, {"state": state} if state else {})
    return {alert.pk for alert in response.context["cl"].result_list}


def test_the_list_shows_what_is_not_resolved_and_the_rest_when_asked(
    world: World, sign_in: SignIn
) -> None:
    opened = make_alert(world.ours, Kind.ANOTHER_DEVICE).pk
    seen = make_alert(world.ours, Kind.WRONG_CREDENTIALS, acknowledged_at=now()).pk
    closed = make_alert(
        world.ours, Kind.ODD_STOP, acknowledged_at=now(), resolved_at=now(), resolution="x"
    ).pk
    make_alert(world.theirs)
    client = sign_in(world.staff)
    assert shown(client) == {opened, seen}
    assert shown(client, "open") == {opened}
    assert shown(client, "acknowledged") == {seen}
    assert shown(client, "resolved") == {closed}
    assert shown(client, "all") == {opened, seen, closed}


def test_an_alert_is_acknowledged_and_resolved_with_a_reason(world: World, sign_in: SignIn) -> None:
    alert = make_alert(world.ours, detail=SCRIPT)
    client = sign_in(world.staff)
    acknowledge = reverse("admin:chargepoints_alert_acknowledge", args=[alert.pk])
    resolve = reverse("admin:chargepoints_alert_resolve", args=[alert.pk])
    for page in (acknowledge, resolve, LIST, f"{LIST}{alert.pk}/change/"):
        response = client.get(page)
        assert response.status_code == 200
        assert SCRIPT not in response.content.decode()
    alert.refresh_from_db()
    assert alert.acknowledged_at is None, "a GET must change nothing"
    assert client.post(acknowledge, {"reason": "on my way"}).status_code == 302
    assert client.post(resolve, {"reason": " "}).status_code == 200
    alert.refresh_from_db()
    assert (alert.acknowledged_by, alert.resolved_at) == (world.staff, None)
    page = client.get(f"{LIST}{alert.pk}/change/").content.decode()
    assert resolve in page
    assert acknowledge not in page
    assert client.post(resolve, {"reason": "new password"}).status_code == 302
    alert.refresh_from_db()
    assert (alert.resolved_by, alert.resolution) == (world.staff, "new password")
    assert set(AuditEntry.objects.values_list("action", "reason")) == {
        ("alert.acknowledge", "on my way"),
        ("alert.resolve", "new password"),
    }


def test_several_are_acknowledged_at_once_and_foreign_ones_by_nobody_else(
    world: World, sign_in: SignIn
) -> None:
    ours = [make_alert(world.ours, kind) for kind in (Kind.ODD_STOP, Kind.ANOTHER_DEVICE)]
    theirs = make_alert(world.theirs)
    client = sign_in(world.staff)
    selected = [alert.pk for alert in (*ours, theirs)]
    client.post(LIST, {"action": "acknowledge_selected", "_selected_action": selected})
    for act in ("acknowledge", "resolve"):
        url = reverse(f"admin:chargepoints_alert_{act}", args=[theirs.pk])
        assert client.post(url, {"reason": "x"}).status_code == 404
    seen = Alert.objects.filter(acknowledged_by=world.staff)
    assert set(seen) == set(ours)


def test_the_dashboard_shows_the_own_alerts_unseen_ones_first(
    world: World, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    def rows() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = dashboard.read(world.staff)["alerts"]
        return found

    with django_assert_num_queries(QUERIES):
        assert rows() == []
    seen = make_alert(world.ours, Kind.ODD_STOP, acknowledged_at=now(), detail=SCRIPT)
    for number in range(12):
        station = Station.objects.create(site=world.ours.site, identity=f"MANY-{number}")
        make_alert(station)
    worst = make_alert(
        world.ours, Kind.ANOTHER_DEVICE, severity="CRITICAL", at=world.ours.created_at
    )
    make_alert(world.theirs)
    with django_assert_num_queries(QUERIES):
        state = dashboard.read(world.staff)
    assert state["tiles"]["alerts"] == 14
    assert len(state["alerts"]) == dashboard.ALERTS_SHOWN
    assert [row["station"] for row in state["alerts"][:2]] == ["OURS-1", "MANY-11"]
    Alert.objects.filter(station__identity__startswith="MANY").delete()
    worst.delete()
    assert [(row["id"], row["state"]) for row in rows()] == [(seen.pk, "acknowledged")]


def test_the_side_bar_counts_what_nobody_has_seen(world: World, sign_in: SignIn) -> None:
    make_alert(world.ours, Kind.ODD_STOP, acknowledged_at=now())
    client = sign_in(world.staff)
    response = client.get("/admin/")
    assert f'href="{LIST}"' in response.content.decode()
    request = response.wsgi_request
    assert open_alerts(request) == ""
    make_alert(world.ours)
    make_alert(world.theirs)
    assert open_alerts(request) == "1"
