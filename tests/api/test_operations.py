"""Commands, raw requests, the archive of frames, and connections."""

import http.client
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from accounts.models import Operator
from chargepoints.domain.states import CommandStatus
from chargepoints.models import Command, Station
from chargepoints.services import commands
from csms.common.models import AuditEntry
from ocpp_gateway.models import GatewayNode, Message, StationConnection
from tests.api.client import ApiClient
from tests.ocpp_gateway.servers import running_server
from tests.support.factories import make_api_key, make_site, make_station

NOW = datetime(2026, 11, 20, 5, tzinfo=UTC)
COMMANDS = "/api/admin/chargepoints/CP1/commands"
START = {"command": "start_charging", "connector_id": 1, "id_token": "CARD1"}


@pytest.fixture
def station(operator: Operator) -> Station:
    return make_station("CP1", site=make_site(operator))


def answer(command_id: str, response: Any) -> None:
    command = Command.objects.get(pk=command_id)
    commands.mark_sent(command, action="Reset", message_id="m1", request={}, epoch=1)
    commands.settle(
        command.pk, status=CommandStatus.ACCEPTED, response=response, at=datetime.now(UTC)
    )


@pytest.mark.django_db
class TestCommands:
    def test_is_queued_and_found_again(self, as_staff: ApiClient, station: Station) -> None:
        response = as_staff.call("post", COMMANDS, {**START, "reason": "by phone"}, expect=202)
        queued = response.json()
        assert (queued["status"], queued["is_final"]) == ("QUEUED", False)
        assert queued["parameters"] == {"connector_id": 1, "id_token": "CARD1"}
        found = as_staff.json("get", response["Location"], expect=200)
        assert found == queued
        entry = AuditEntry.objects.get(action="command.request")
        assert (entry.actor_label, entry.reason) == ("staff@example.com", "by phone")

    def test_wrong_parameters_are_named_and_nothing_is_stored(
        self, as_staff: ApiClient, station: Station
    ) -> None:
        for body, fields in (
            ({"command": "start_charging"}, {"id_token"}),
            ({"command": "reset", "type": "gently"}, {"type"}),
            ({"command": "unlock", "connector_id": 0}, {"connector_id"}),
            ({"command": "clear_cache", "colour": "red"}, {"colour"}),
            ({"command": "fly"}, {"command"}),
            ({**START, "id_token": "x" * 21}, {"id_token"}),
        ):
            problem = as_staff.json("post", COMMANDS, body, expect=400)
            assert {error["field"] for error in problem["errors"]} == fields
        path = "/api/admin/chargepoints/CP1/ocpp"
        raw: tuple[tuple[dict[str, Any], str], ...] = (
            ({"action": "Heartbeat"}, "action"),
            ({"action": "Reset", "payload": {"type": "Medium"}}, "payload.type"),
            ({"action": "Reset", "payload": []}, "payload"),
        )
        for request, field in raw:
            problem = as_staff.json("post", path, request, expect=400)
            assert [error["field"] for error in problem["errors"]] == [field]
        assert not Command.objects.exists()

    def test_the_same_key_gives_the_same_command(
        self, as_staff: ApiClient, with_key: ApiClient, station: Station
    ) -> None:
        key = {"HTTP_IDEMPOTENCY_KEY": "abc-1"}
        first = as_staff.json("post", COMMANDS, START, expect=202, **key)
        assert as_staff.json("post", COMMANDS, START, expect=202, **key)["id"] == first["id"]
        other = as_staff.json("post", COMMANDS, {**START, "connector_id": 2}, expect=422, **key)
        assert other["code"] == "idempotency_key_reused"
        assert with_key.json("post", COMMANDS, START, expect=202, **key)["id"] != first["id"]
        as_staff.call("post", COMMANDS, START, expect=400, HTTP_IDEMPOTENCY_KEY="x" * 201)

    def test_secrets_are_not_shown_again(self, as_staff: ApiClient, station: Station) -> None:
        body = {"command": "set_configuration", "key": "AuthorizationKey", "value": "s3cr3t-key"}
        response = as_staff.call("post", COMMANDS, body, expect=202)
        assert b"s3cr3t-key" not in response.content
        assert Command.objects.get().parameters["value"] == "s3cr3t-key"

    def test_a_raw_request(self, as_staff: ApiClient, station: Station) -> None:
        body = {"action": "GetConfiguration", "payload": {"key": ["HeartbeatInterval"]}}
        queued = as_staff.json("post", "/api/admin/chargepoints/CP1/ocpp", body, expect=202)
        assert (queued["command"], queued["parameters"]) == ("ocpp", body)

    def test_a_final_command_is_not_waited_for(self, as_staff: ApiClient, station: Station) -> None:
        queued = as_staff.json("post", COMMANDS, {"command": "reset", "type": "soft"})
        answer(queued["id"], {"status": "Accepted"})
        shown = as_staff.json("get", f"/api/admin/commands/{queued['id']}?wait=30", expect=200)
        assert (shown["status"], shown["is_final"]) == ("ACCEPTED", True)
        as_staff.call("get", f"/api/admin/commands/{queued['id']}?wait=31", expect=400)
        still = as_staff.json("post", COMMANDS, START)
        waited = as_staff.json("get", f"/api/admin/commands/{still['id']}?wait=0.1", expect=200)
        assert waited["is_final"] is False


@pytest.mark.django_db(transaction=True)
def test_waiting_ends_with_the_answer(as_staff: ApiClient, station: Station) -> None:
    queued = as_staff.json("post", COMMANDS, {"command": "reset", "type": "soft"}, expect=202)

    def charger() -> None:
        try:
            answer(queued["id"], {"status": "Accepted"})
        finally:
            connection.close()

    thread = threading.Timer(0.2, charger)
    thread.start()
    shown = as_staff.json("get", f"/api/admin/commands/{queued['id']}?wait=20", expect=200)
    thread.join()
    assert shown["status"] == "ACCEPTED"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("chunks", "status"),
    [([b'{"command": "res', b'et", "type": "soft"}'], 202), ([b"{", b"}"], 400), ([], 400)],
)
def test_a_body_in_chunks_is_read_like_any_other(
    operator: Operator, station: Station, chunks: list[bytes], status: int
) -> None:
    """Programs that do not know a body's length beforehand state none (RFC 9112 §7.1)."""
    _row, key = make_api_key(("operate",), operator=operator)
    headers = {"X-Api-Key": key, "Content-Type": "application/json"}
    with running_server() as server:
        caller = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        caller.request("POST", COMMANDS, iter(chunks), headers, encode_chunked=True)
        answered = caller.getresponse()
        assert answered.status == status, answered.read()
        caller.close()
    assert Command.objects.count() == (status == 202)


@pytest.mark.django_db
class TestArchive:
    @pytest.fixture
    def frames(self, station: Station) -> None:
        def frame(
            second: float, direction: str, kind: str, action: str, message_id: str, epoch: int = 1
        ) -> None:
            Message.objects.create(
                at=NOW + timedelta(seconds=second),
                station=station,
                epoch=epoch,
                direction=direction,
                type=kind,
                action=action,
                message_id=message_id,
                payload=f'[{kind},"{message_id}"]',
                latency_ms=5 if kind != "CALL" else None,
            )

        frame(0, "IN", "CALL", "Heartbeat", "1")
        frame(0.1, "OUT", "CALLRESULT", "Heartbeat", "1")
        frame(1, "OUT", "CALL", "Reset", "1")
        frame(1.2, "IN", "CALLERROR", "Reset", "1")
        frame(2, "IN", "CALL", "Heartbeat", "1", epoch=2)

    def test_calls_come_with_their_answers(
        self, as_staff: ApiClient, frames: None, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        path = "/api/admin/chargepoints/CP1/messages"
        with django_assert_num_queries(7):
            rows = as_staff.json("get", f"{path}?type=CALL", expect=200)["results"]
        assert [(r["action"], r["answer"] and r["answer"]["type"]) for r in rows] == [
            ("Heartbeat", None),
            ("Reset", "CALLERROR"),
            ("Heartbeat", "CALLRESULT"),
        ]
        first = as_staff.json("get", f"{path}?page_size=2", expect=200)
        second = as_staff.json("get", first["next"].removeprefix("http://testserver"), expect=200)
        assert len({row["id"] for row in first["results"] + second["results"]}) == 4
        assert len(as_staff.json("get", f"{path}?direction=OUT&action=Reset")["results"]) == 1
        assert len(as_staff.json("get", f"{path}?since=2026-11-20T05:00:02Z")["results"]) == 1
        as_staff.call("get", f"{path}?cursor=cD1ub3QtYS10aW1l", expect=404)

    def test_export_holds_no_formula(
        self, as_staff: ApiClient, station: Station, frames: None
    ) -> None:
        Message.objects.update(action="=cmd|' /C calc'!A0")
        response = as_staff.call(
            "get", "/api/admin/chargepoints/CP1/messages", HTTP_ACCEPT="text/csv", expect=200
        )
        assert response["Content-Type"].startswith("text/csv")
        lines = response.content.decode().splitlines()
        assert len(lines) == 6
        assert all(",'=cmd" in line for line in lines[1:])


@pytest.mark.django_db
class TestConnections:
    def test_who_is_connected(
        self, as_staff: ApiClient, station: Station, with_key: ApiClient
    ) -> None:
        node = GatewayNode.objects.create(host="gw", process_id=7, started_at=NOW, heartbeat_at=NOW)
        for one in (station, make_station("FOREIGN"), make_station("CP2", site=station.site)):
            StationConnection.objects.create(
                station=one,
                epoch=3,
                node=node,
                version="ocpp1.6",
                connected_at=NOW,
                closed_at=NOW if one.identity == "CP2" else None,
            )
        for client in (as_staff, with_key):
            page = client.json("get", "/connections", expect=200)
            assert [row["identity"] for row in page["results"]] == ["CP1"]
        shown = as_staff.json("get", "/connections/cp1", expect=200)
        assert (shown["epoch"], shown["node"]["process_id"]) == (3, 7)
        as_staff.call("get", "/connections/CP2", expect=404)
        as_staff.call("get", "/connections/FOREIGN", expect=404)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        ('[2,"1","Heartbeat",{}]', {"valid": True, "type": "CALL", "reply": None}),
        ([2, "1", "Heartbeats", {}], {"valid": False, "action": "Heartbeats"}),
        ([2, "1", "BootNotification", {"chargePointVendor": "A"}], {"valid": False}),
        ("no json", {"valid": False, "type": "MALFORMED", "reply": None}),
        ([3, "1", {"status": "Accepted"}], {"valid": True, "type": "CALLRESULT"}),
        ([4, "1", "GenericError", "", {}], {"valid": True, "type": "CALLERROR"}),
        ([], {"valid": False, "type": "MALFORMED"}),
    ],
)
def test_frames_are_judged_as_the_gateway_would(
    with_key: ApiClient, station: Station, frame: Any, expected: dict[str, Any]
) -> None:
    path = "/api/chargepoints/CP1/validate-ocpp"
    verdict = with_key.json("post", path, {"frame": frame}, expect=200)
    assert {name: verdict[name] for name in expected} == expected
    if not verdict["valid"] and verdict["type"] == "CALL":
        assert verdict["reply"][:2] == [4, "1"]
