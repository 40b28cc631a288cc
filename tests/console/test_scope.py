"""Staff see the rows of their operators and nothing else, whichever way they ask."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from accounts.models import User
from chargepoints.models import Connector, Site, Station
from csms.common.clock import now
from ocpp_gateway.models import Message, StationConnection
from tests.console.conftest import World
from tests.support.factories import make_alert, make_id_token, make_tariff
from transactions.models import CostLine, Reading, ReviewItem, Session, SessionEvent

SignIn = Callable[[User], Client]
pytestmark = pytest.mark.django_db


@pytest.fixture
def foreign(world: World) -> list[Any]:
    """One row of every kind that belongs to the other operator."""
    station, session = world.theirs, world.their_session
    version = make_tariff(world.other_operator, assign_to=station)
    return [
        world.other_operator,
        station,
        station.site,
        *station.evses.all(),
        *Connector.objects.filter(evse__station=station),
        session,
        world.their_review,
        SessionEvent.objects.create(session=session, at=now(), kind="started"),
        CostLine.objects.create(
            session=session,
            position=1,
            kind="ENERGY",
            starts_at=now(),
            ends_at=now(),
            quantity=1,
            unit="kWh",
            unit_price=1,
            net=1,
            tax=0,
            gross=1,
        ),
        Reading.objects.create(
            received_at=now(), measured_at=now(), station=station, session=session
        ),
        Message.objects.create(
            at=now(), station=station, epoch=1, direction="IN", type="CALL", payload="[]"
        ),
        StationConnection.objects.create(station=station),
        version,
        version.tariff,
        version.tariff.assignments.get(),
        make_id_token("FOREIGN", operator=world.other_operator),
        make_alert(station),
        world.superadmin,
    ]


def test_foreign_rows_are_in_no_list_and_have_no_page(
    world: World, foreign: list[Any], sign_in: SignIn
) -> None:
    client = sign_in(world.staff)
    for row in foreign:
        name = f"admin:{row._meta.app_label}_{row._meta.model_name}"
        assert client.get(reverse(f"{name}_change", args=[row.pk])).status_code in (404, 403), row
        listed = client.get(reverse(f"{name}_changelist"))
        if listed.status_code == 200:
            assert row.pk not in [shown.pk for shown in listed.context["cl"].result_list], row
        else:
            assert listed.status_code == 403, row


def test_the_pages_of_foreign_rows_do_not_exist(world: World, sign_in: SignIn) -> None:
    client = sign_in(world.staff)
    assert client.get(f"/admin/stations/{world.ours.pk}/").status_code == 200
    assert client.get(f"/admin/stations/{world.theirs.pk}/").status_code == 404
    assert client.get(f"/admin/sessions/{world.our_session.public_id}/").status_code == 200
    assert client.get(f"/admin/sessions/{world.their_session.public_id}/").status_code == 404
    command = {"command": "clear_cache"}
    assert client.post(f"/admin/stations/{world.theirs.pk}/commands/", command).status_code == 404
    archive = reverse("admin:chargepoints_station_archive", args=[world.theirs.pk])
    assert client.post(archive).status_code == 404
    resolve = reverse("admin:transactions_reviewitem_resolve", args=[world.their_review.pk])
    assert client.post(resolve, {"resolution": "mine"}).status_code == 404
    applied = reverse("admin:transactions_reviewitem_apply_proposal", args=[world.their_review.pk])
    assert client.post(applied, {"mark": ""}).status_code == 404
    world.their_review.refresh_from_db()
    assert world.their_review.resolved_at is None


def test_choices_autocomplete_filters_and_search_know_only_the_own_rows(
    world: World, sign_in: SignIn
) -> None:
    client = sign_in(world.staff)
    stations = client.get(
        "/admin/autocomplete/",
        {"app_label": "transactions", "model_name": "tariffassignment", "field_name": "station"},
    ).json()["results"]
    assert [row["text"] for row in stations] == ["OURS-1"]
    for path in (
        reverse("admin:accounts_idtoken_add"),
        reverse("admin:chargepoints_site_add"),
        reverse("admin:chargepoints_station_changelist"),
        "/admin/search/?extended=1&s=theirs",
        "/admin/",
    ):
        html = client.get(path).content.decode()
        assert "Their" not in html, path
        assert "THEIRS" not in html, path
    assert "OURS-1" in client.get("/admin/search/?extended=1&s=ours").content.decode()


def test_a_foreign_choice_is_refused_and_all_operators_is_not_for_staff(
    world: World, sign_in: SignIn
) -> None:
    client = sign_in(world.staff)
    token = {"token": "NEW1", "type": "ISO14443", "status": "ACCEPTED", "group": ""}
    for operator in ("", world.other_operator.pk):
        response = client.post(
            reverse("admin:accounts_idtoken_add"), {**token, "operator": operator}
        )
        assert response.status_code == 200
        assert "operator" in response.context["adminform"].form.errors
    response = client.post(
        reverse("admin:chargepoints_station_add"),
        {
            "identity": "SNEAKY",
            "site": world.theirs.site_id,
            "allowed_versions": ["ocpp1.6"],
            "security_profile": 1,
            "registration_status": "Accepted",
            "connector_count": 1,
            "connector_type": "CCS2",
        },
    )
    assert "site" in response.context["adminform"].form.errors
    assert not Station.objects.filter(identity="SNEAKY").exists()


def test_a_superadmin_sees_everything(world: World, foreign: list[Any], sign_in: SignIn) -> None:
    client = sign_in(world.superadmin)
    for row in foreign:
        name = f"admin:{row._meta.app_label}_{row._meta.model_name}"
        assert client.get(reverse(f"{name}_changelist")).status_code == 200, row
        url = reverse(f"{name}_change", args=[row.pk])
        expected = 302 if isinstance(row, Session) else 200
        assert client.get(url).status_code == expected, row


def test_lists_answer_with_few_queries_however_many_rows(
    world: World, sign_in: SignIn, django_assert_max_num_queries: Any
) -> None:
    site = Site.objects.get(name="Our site")
    stations = Station.objects.bulk_create(
        Station(site=site, identity=f"MANY-{number}") for number in range(30)
    )
    ReviewItem.objects.bulk_create(
        ReviewItem(kind="ORPHAN_STOP", station=s, content_key=str(s.pk), received_at=now())
        for s in stations
    )
    for station in stations:
        make_alert(station)
    client = sign_in(world.staff)
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
        with django_assert_max_num_queries(16):
            client.get(reverse(name))


def test_every_list_opens_with_a_search_and_nonsense_in_it(world: World, sign_in: SignIn) -> None:
    client = sign_in(world.superadmin)
    for model in admin.site._registry:
        url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for term in (
            "",
            "1",
            "no such thing",
            "01890a5d-ac96-774b-bcce-b302099a8057",
            "\x00",
            "9" * 40,
        ):
            assert client.get(url, {"q": term}).status_code == 200, (model, term)
