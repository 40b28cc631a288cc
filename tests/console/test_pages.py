import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.models import ApiKey, IdToken, User
from accounts.services import keys
from chargepoints.models import Command, Station
from chargepoints.services import passwords
from csms.common.clock import now
from csms.common.models import AuditEntry
from csms.console.snapshots.stations import pair
from ocpp_gateway.models import Message
from tests.console.conftest import World
from transactions.models import ReviewItem, Session

SignIn = Callable[[User], Client]
SCRIPT = "<script>alert(1)</script>"
READ_ONLY = [
    "accounts.AccountDeletion",
    "accounts.ConsentRecord",
    "accounts.DataExport",
    "accounts.RetentionRun",
    "chargepoints.Alert",
    "chargepoints.CertificateAuthority",
    "chargepoints.CertificateRequest",
    "chargepoints.ChargingProfile",
    "chargepoints.Command",
    "chargepoints.CompositeSchedule",
    "chargepoints.ConfigurationValue",
    "chargepoints.ConnectorStatusEvent",
    "chargepoints.InstalledCertificate",
    "chargepoints.LocalList",
    "chargepoints.LocalListEntry",
    "chargepoints.LocalListUpdate",
    "chargepoints.MaintenanceEvent",
    "chargepoints.MaintenanceJob",
    "chargepoints.PasswordChange",
    "chargepoints.SecurityEvent",
    "chargepoints.StationAnomaly",
    "common.AuditEntry",
    "common.IdempotencyRecord",
    "ocpp_gateway.GatewayNode",
    "ocpp_gateway.Message",
    "ocpp_gateway.StationConnection",
    "transactions.CostLine",
    "transactions.Reading",
    "transactions.Reservation",
    "transactions.ReviewItem",
    "transactions.Session",
    "transactions.SessionEvent",
]
pytestmark = pytest.mark.django_db


def page_state(response: Any) -> dict[str, Any]:
    found = re.search(
        r'<script id="cs-data" type="application/json">(.*?)</script>', response.content.decode()
    )
    assert found is not None
    state: dict[str, Any] = json.loads(found[1])["state"]
    return state


def test_what_the_program_writes_is_read_only_even_for_a_superadmin(world: World) -> None:
    request = RequestFactory().get("/admin/")
    request.user = world.superadmin
    for model, model_admin in admin.site._registry.items():
        assert not model_admin.has_delete_permission(request), model
        if model._meta.label in READ_ONLY:
            assert not model_admin.has_add_permission(request), model
            assert not model_admin.has_change_permission(request), model
    labels = {model._meta.label for model in admin.site._registry}
    assert set(READ_ONLY) <= labels


def test_posting_to_a_session_changes_nothing(world: World, sign_in: SignIn) -> None:
    client = sign_in(world.superadmin)
    url = reverse("admin:transactions_session_change", args=[world.our_session.pk])
    assert client.post(f"{url}?record=1", {"energy_wh": 5}).status_code == 403
    assert client.post(url.replace("change", "delete")).status_code == 403


def test_the_dashboard_counts_what_the_person_may_see(world: World, sign_in: SignIn) -> None:
    Station.objects.update(is_online=True)
    state = page_state(sign_in(world.staff).get("/admin/"))
    tiles = state["tiles"]
    assert (tiles["stations"], tiles["online"], tiles["connectors"]) == (1, 1, 2)
    assert tiles["sessions"] == 1
    assert [s["station"] for s in state["sessions"]] == ["OURS-1"]
    assert [s["identity"] for s in state["stations"]] == ["OURS-1"]


def test_strings_of_chargers_are_inert(world: World, sign_in: SignIn) -> None:
    Station.objects.filter(pk=world.ours.pk).update(
        vendor=SCRIPT, model=SCRIPT, firmware_version=SCRIPT
    )
    session = world.our_session
    session.id_token_value = SCRIPT
    session.save()
    Message.objects.create(
        at=now(),
        station=world.ours,
        epoch=1,
        direction="IN",
        type="MALFORMED",
        action=SCRIPT,
        payload=SCRIPT,
    )
    item = ReviewItem.objects.create(
        kind="ORPHAN_STOP",
        station=world.ours,
        content_key="k",
        received_at=now(),
        detail=SCRIPT,
        raw={"idTag": SCRIPT},
    )
    client = sign_in(world.staff)
    for path in (
        "/admin/",
        f"/admin/stations/{world.ours.pk}/",
        f"/admin/sessions/{session.public_id}/",
        reverse("admin:chargepoints_station_changelist"),
        reverse("admin:chargepoints_station_change", args=[world.ours.pk]),
        reverse("admin:transactions_session_changelist"),
        reverse("admin:ocpp_gateway_message_changelist"),
        reverse("admin:transactions_reviewitem_changelist"),
        reverse("admin:transactions_reviewitem_change", args=[item.pk]),
        reverse("admin:transactions_reviewitem_resolve", args=[item.pk]),
        reverse("admin:transactions_reviewitem_apply_proposal", args=[item.pk]),
    ):
        html = client.get(path).content.decode()
        assert "alert(1)" in html, path
        assert SCRIPT not in html, path


def test_a_new_station_shows_its_password_once(world: World, sign_in: SignIn) -> None:
    client = sign_in(world.staff)
    response = client.post(
        reverse("admin:chargepoints_station_add"),
        {
            "identity": "NEW-1",
            "site": world.ours.site_id,
            "name": "",
            "allowed_versions": ["ocpp1.6"],
            "security_profile": 1,
            "registration_status": "Accepted",
            "connector_count": 2,
            "connector_type": "CCS2",
            "max_power_kw": "120",
        },
    )
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    password = response.context["secrets"][-1][1]
    station = Station.objects.get(identity="NEW-1")
    assert passwords.check_password(station.password_hash, password)
    assert station.evses.count() == 2
    assert AuditEntry.objects.get(action="station.create").actor == world.staff
    later = client.get(reverse("admin:chargepoints_station_change", args=[station.pk]))
    assert password not in later.content.decode()


def test_a_station_is_changed_archived_and_restored_through_the_service(
    world: World, sign_in: SignIn
) -> None:
    client = sign_in(world.staff)
    change = reverse("admin:chargepoints_station_change", args=[world.ours.pk])
    data = {
        "site": world.ours.site_id,
        "name": "Front door",
        "allowed_versions": ["ocpp1.6"],
        "security_profile": 1,
        "registration_status": "Accepted",
    }
    assert client.post(change, data).status_code == 302
    world.ours.refresh_from_db()
    assert world.ours.name == "Front door"
    archive = reverse("admin:chargepoints_station_archive", args=[world.ours.pk])
    assert "Archive OURS-1?" in client.get(archive).content.decode()
    world.ours.refresh_from_db()
    assert world.ours.archived_at is None, "a GET must change nothing"
    Station.objects.filter(pk=world.ours.pk).update(is_online=True)
    refused = client.post(archive, {"reason": "scrapped"}, follow=True)
    assert f"{world.our_session.public_id} (Active)" in refused.content.decode()
    world.ours.refresh_from_db()
    assert world.ours.archived_at is None
    Session.objects.filter(pk=world.our_session.pk).update(state="ENDED", ended_at=now())
    client.post(archive, {"reason": "scrapped"})
    world.ours.refresh_from_db()
    assert world.ours.archived_at is not None
    assert AuditEntry.objects.get(action="station.archive").reason == "scrapped"
    listed = client.get(reverse("admin:chargepoints_station_changelist"))
    assert "OURS-1" not in listed.content.decode()
    client.post(reverse("admin:chargepoints_station_restore", args=[world.ours.pk]))
    world.ours.refresh_from_db()
    assert world.ours.archived_at is None


def test_an_api_key_is_shown_once_and_can_be_revoked(world: World, sign_in: SignIn) -> None:
    client = sign_in(world.superadmin)
    data = {
        "name": "Partner",
        "scopes": ["read"],
        "operator": "",
        "expires_at_0": "",
        "expires_at_1": "",
    }
    response = client.post(reverse("admin:accounts_apikey_add"), data)
    raw = response.context["secrets"][0][1]
    key = keys.verify(raw)
    assert key is not None
    assert ApiKey.objects.count() == 1
    client.post(reverse("admin:accounts_apikey_revoke", args=[key.pk]))
    assert keys.verify(raw) is None


def test_an_edited_row_leaves_an_audit_entry(world: World, sign_in: SignIn) -> None:
    client = sign_in(world.staff)
    token = {"token": "CARD9", "type": "ISO14443", "status": "ACCEPTED", "group": ""}
    response = client.post(
        reverse("admin:accounts_idtoken_add"), {**token, "operator": world.operator.pk}
    )
    assert response.status_code == 302
    made = IdToken.objects.get(token="CARD9")
    entry = AuditEntry.objects.get(action="idtoken.create")
    assert (entry.object_id, entry.actor) == (str(made.pk), world.staff)


def test_a_command_goes_through_the_outbox_once_per_dialog(world: World, sign_in: SignIn) -> None:
    client = sign_in(world.staff)
    url = reverse("admin:console_command", args=[world.ours.pk])
    data = {
        "command": "start_charging",
        "start_charging-evse_id": "2",
        "start_charging-id_token": "CARD1",
        "start_charging-reason": "The driver called",
        "idempotency_key": "dialog-1",
    }
    first, second = client.post(url, data), client.post(url, data)
    assert first.status_code == 202
    assert first.json() == second.json()
    command = Command.objects.get()
    assert command.parameters == {"evse_id": 2, "id_token": "CARD1"}
    assert (command.actor, command.reason) == (world.staff, "The driver called")


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"command": "start_charging", "start_charging-evse_id": "7"}, "evse_id"),
        ({"command": "ocpp", "ocpp-action": "Reset", "ocpp-payload": "{"}, "payload"),
        ({"command": "ocpp", "ocpp-action": "Reset", "ocpp-payload": "{}"}, "payload"),
        ({"command": "ocpp", "ocpp-action": "Nonsense", "ocpp-payload": "{}"}, "action"),
    ],
)
def test_a_command_that_cannot_be_sent_says_why(
    world: World, sign_in: SignIn, data: dict[str, str], field: str
) -> None:
    response = sign_in(world.staff).post(
        reverse("admin:console_command", args=[world.ours.pk]), data
    )
    assert response.status_code == 400
    assert field in response.json()["errors"]
    assert not Command.objects.exists()


def test_a_command_in_a_version_that_is_not_spoken_is_refused_at_once(
    world: World, sign_in: SignIn
) -> None:
    Station.objects.filter(pk=world.ours.pk).update(ocpp_version="", allowed_versions=["ocpp2.1"])
    response = sign_in(world.staff).post(
        reverse("admin:console_command", args=[world.ours.pk]), {"command": "clear_cache"}
    )
    assert response.status_code == 409
    assert response.json()["errors"]["__all__"][0]["code"] == "version_not_spoken"
    assert not Command.objects.exists()


def test_a_review_item_is_resolved_with_a_note(world: World, sign_in: SignIn) -> None:
    item = ReviewItem.objects.create(
        kind="ORPHAN_STOP", station=world.ours, content_key="k", received_at=now(), raw={"a": 1}
    )
    client = sign_in(world.staff)
    url = reverse("admin:transactions_reviewitem_resolve", args=[item.pk])
    assert client.post(url, {"resolution": ""}).status_code == 200
    assert client.post(url, {"resolution": "Billed by hand"}).status_code == 302
    item.refresh_from_db()
    assert (item.resolution, item.resolved_by) == ("Billed by hand", world.staff)
    listed = client.get(reverse("admin:transactions_reviewitem_changelist"))
    assert item not in listed.context["cl"].result_list


def test_a_proposal_is_shown_with_its_frames_and_applied_once(
    world: World, sign_in: SignIn
) -> None:
    at = now()
    for seconds, payload in ((1, "[2,near]"), (600, "[2,far]")):
        Message.objects.create(
            at=at - timedelta(seconds=seconds),
            station=world.ours,
            epoch=1,
            direction="IN",
            type="CALL",
            payload=payload,
        )
    item = ReviewItem.objects.create(
        kind="ORPHAN_STOP",
        station=world.ours,
        content_key="k",
        received_at=at,
        raw={"frame": "[2,the stop]"},
    )
    client = sign_in(world.staff)
    url = reverse("admin:transactions_reviewitem_apply_proposal", args=[item.pk])
    for page in (url, reverse("admin:transactions_reviewitem_change", args=[item.pk])):
        html = client.get(page).content.decode()
        assert "[2,near]" in html
        assert "[2,the stop]" in html
        assert "[2,far]" not in html
    item.refresh_from_db()
    assert item.resolved_at is None
    assert client.post(url, {"mark": "of another"}).status_code == 200
    mark = client.get(url).context["mark"]
    assert client.post(url, {"mark": mark}).status_code == 302
    item.refresh_from_db()
    assert (item.resolved_by, item.resolution) == (world.staff, "KEEP: nothing_fits")
    resolved_at = item.resolved_at
    assert client.post(url, {"mark": mark}).status_code == 302
    item.refresh_from_db()
    assert item.resolved_at == resolved_at


def test_calls_are_paired_with_their_answers() -> None:
    def frame(kind: str, direction: str, message_id: str, epoch: int = 1) -> Message:
        return Message(
            at=now(), epoch=epoch, direction=direction, type=kind, message_id=message_id, payload=""
        )

    call_in, answer_out = frame("CALL", "IN", "a"), frame("CALLRESULT", "OUT", "a")
    call_out, lost = frame("CALL", "OUT", "a"), frame("CALLERROR", "IN", "b")
    other_socket = frame("CALL", "IN", "a", epoch=2)
    paired = pair([lost, other_socket, call_out, answer_out, call_in])
    answers = {row["id"]: row["answer"] and row["answer"]["id"] for row in paired}
    assert answers == {
        str(call_in.pk): str(answer_out.pk),
        str(call_out.pk): None,
        str(other_socket.pk): None,
        str(lost.pk): None,
    }


def test_a_frame_nested_without_end_is_shown_as_it_came(world: World, sign_in: SignIn) -> None:
    frame = "[" * 30_000
    Message.objects.create(
        at=now(), station=world.ours, epoch=1, direction="IN", type="MALFORMED", payload=frame
    )
    Message.objects.create(
        at=now(),
        station=world.ours,
        epoch=1,
        direction="IN",
        type="MALFORMED",
        payload=f"{frame[:10_000]}{']' * 10_000}",
    )
    response = sign_in(world.staff).get(f"/admin/stations/{world.ours.pk}/")
    assert response.status_code == 200
    assert frame[:1_000] in response.content.decode()
