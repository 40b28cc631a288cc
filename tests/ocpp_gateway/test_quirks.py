"""Chargers with known quirks over a real socket: each file in `quirks/` is one of them."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from websockets.frames import Frame, Opcode

from accounts.models import User
from chargepoints.domain.states import SETTLED_COMMAND_STATUSES
from chargepoints.models import (
    Command,
    ConnectorStatusEvent,
    QuirkProfile,
    Station,
    StationAnomaly,
)
from csms import server as servers
from csms.common.errors import InvalidInput
from ocpp_gateway import runtime
from ocpp_gateway.clock_watch import ENOUGH, ClockWatch
from ocpp_gateway.services import leases
from ocpp_gateway.services.requesting import request_command
from ocpp_gateway.station_socket import POLICY_VIOLATION
from tests.ocpp_gateway.quirk_files import FILES, Words, agrees, load, written
from tests.ocpp_gateway.servers import (
    WAIT_SECONDS,
    Charger,
    GatewayServer,
    charger,
    running_server,
    until,
)
from tests.support.factories import make_id_token, make_staff, make_station, make_tariff

MODELS = {model.__name__: model for model in apps.get_models()}


@pytest.fixture
def staff(transactional_db: None) -> User:
    return make_staff()


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deviations are written with the gateway's beat."""
    monkeypatch.setattr(leases, "NODE_HEARTBEAT", timedelta(0))
    monkeypatch.setattr(runtime, "TICK_SECONDS", 0.1)


@pytest.fixture
def impatient(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[GatewayServer]:
    """A server that asks often whether a charger is still there."""
    monkeypatch.setattr(servers, "PING_INTERVAL_SECONDS", 0.1)
    monkeypatch.setattr(servers, "PING_TIMEOUT_SECONDS", 0.1)
    with running_server() as running:
        yield running


def mute(socket: Charger) -> threading.Semaphore:
    """Let it answer no pings; the semaphore is released for each of them."""
    protocol = socket.connection.protocol
    send = protocol.send_frame
    pings = threading.Semaphore(0)

    def send_no_pong(frame: Frame) -> None:
        if frame.opcode is Opcode.PONG:
            pings.release()
        else:
            send(frame)

    protocol.send_frame = send_no_pong  # type: ignore[method-assign]
    return pings


class Play:
    """One file, played against a running server."""

    def __init__(self, quirk: dict[str, Any], staff: User) -> None:
        self.quirk = quirk
        self.staff = staff
        self.words = Words()
        fields = dict(quirk.get("profile", {}))
        is_named = fields.pop("is_named", False)
        profile = QuirkProfile.objects.create(name="Of this test", **fields) if fields else None
        self.station = make_station(
            **quirk.get("station", {}), quirk_profile=profile if is_named else None
        )
        make_id_token("CARD")
        if "tariff" in quirk:
            make_tariff(self.station.site.operator, **self._tariff(quirk["tariff"]))

    @staticmethod
    def _tariff(fields: dict[str, Any]) -> dict[str, Any]:
        windows = [
            (name, weekdays, time.fromisoformat(begin), time.fromisoformat(end), price)
            for name, weekdays, begin, end, price in fields.get("windows", [])
        ]
        return {**fields, "windows": windows}

    def connect(self, server: GatewayServer) -> None:
        for connection in self.quirk["connections"]:
            offered = connection.get("subprotocols")
            with charger(server, self.station, subprotocols=offered) as socket:
                pings = mute(socket) if self.quirk.get("answers_no_pings") else None
                for step in connection["steps"]:
                    self._play(socket, step, pings)

    def _play(
        self, socket: Charger, step: dict[str, Any], pings: threading.Semaphore | None
    ) -> None:
        if "charger" in step:
            answer = socket.exchange(self.words.fill(step["charger"]))
            assert agrees(self.words.fill(step["answer"]), answer), (step, answer)
            if answer[0] == 3 and "transactionId" in answer[2]:
                self.words.transaction = answer[2]["transactionId"]
        elif "command" in step:
            self._command(socket, step)
        elif pings is not None:
            for _ping in range(step["unanswered_pings"]):
                assert pings.acquire(timeout=WAIT_SECONDS)

    def _command(self, socket: Charger, step: dict[str, Any]) -> None:
        parameters = self.words.fill(step["parameters"])
        station = Station.objects.get(pk=self.station.pk)
        if "refused" in step:
            with pytest.raises(InvalidInput) as refused:
                request_command(self.staff, station, step["command"], parameters)
            assert [[e.field, e.code] for e in refused.value.errors] == [step["refused"]]
            return
        command = request_command(self.staff, station, step["command"], parameters)
        asked = socket.receive()
        assert asked[2:] == self.words.fill(step["request"])
        socket.send([3, asked[1], self.words.fill(step["reply"])])
        until(
            lambda: Command.objects.filter(
                pk=command.pk, status__in=SETTLED_COMMAND_STATUSES
            ).exists()
        )

    def check(self) -> None:
        """What is stored: at once, as the charger has its answers; deviations a moment later."""
        for name, expected in self.quirk.get("rows", {}).items():
            wanted = self.words.fill(expected)
            fields = sorted({field for row in wanted for field in row})
            found = [
                {field: written(row[field]) for field in fields}
                for row in MODELS[name]._default_manager.order_by("pk").values(*fields)
            ]
            assert agrees(wanted, found), (name, found)
        expected = self.quirk["anomalies"]
        # They may come with more than one beat.
        until(lambda: agrees(expected, self._anomalies()))
        assert set(expected) == set(self._anomalies())

    def _anomalies(self) -> dict[str, int]:
        anomalies = StationAnomaly.objects.filter(station=self.station)
        return dict(anomalies.values_list("kind", "count"))


def server_of(quirk: dict[str, Any], request: pytest.FixtureRequest) -> GatewayServer:
    name = "impatient" if quirk.get("answers_no_pings") else "server"
    server: GatewayServer = request.getfixturevalue(name)
    return server


def test_case_41_a_clock_is_judged_only_when_it_is_wrong_again_and_again() -> None:
    watch = ClockWatch()
    at = datetime(2026, 11, 20, 12, tzinfo=UTC)
    local, queued = at + timedelta(hours=7), at - timedelta(hours=1)
    assert [watch.note(local, at) for _time in range(ENOUGH)] == [0, 0, 14]
    assert watch.note(queued, at) == 0
    assert [watch.note(local, at) for _time in range(ENOUGH)] == [0, 0, 14]


def test_case_12_a_charger_that_answers_no_ping_is_closed_when_it_is_silent(
    impatient: GatewayServer, settings: Any
) -> None:
    profile = QuirkProfile.objects.create(name="Mute", answers_no_pings=True)
    station = make_station(quirk_profile=profile)
    with charger(impatient, station) as socket:
        pings = mute(socket)
        socket.boot()
        assert pings.acquire(timeout=WAIT_SECONDS)
        assert pings.acquire(timeout=WAIT_SECONDS)
        # From now on everything is too long ago.
        settings.OCPP_HEARTBEAT_INTERVAL_SECONDS = 0
        assert socket.close_code() == POLICY_VIOLATION
    until(lambda: not Station.objects.get(pk=station.pk).is_online)


def test_a_profile_that_is_edited_counts_from_the_next_boot(
    server: GatewayServer, staff: User
) -> None:
    profile = QuirkProfile.objects.create(name="P", vendor="acme")
    station = make_station(vendor="Acme")
    with charger(server, station) as socket:
        socket.boot()
        QuirkProfile.objects.filter(pk=profile.pk).update(clock_zone="Asia/Bangkok")
        local = {"connectorId": 0, "errorCode": "NoError", "status": "Available"}
        local["timestamp"] = "2026-11-20T08:00:00Z"
        socket.call("StatusNotification", local)
        socket.boot()
        socket.call("StatusNotification", local)
    hours = [
        e.reported_at.hour for e in ConnectorStatusEvent.objects.order_by("pk") if e.reported_at
    ]
    assert hours == [8, 1]


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_case_2_and_12_and_33_and_38_and_41_and_54_and_57_and_60_and_77_and_79_from_a_file(
    path: Path, staff: User, request: pytest.FixtureRequest
) -> None:
    quirk = load(path)
    server = server_of(quirk, request)
    play = Play(quirk, staff)
    play.connect(server)
    play.check()
