"""Sockets of every manner: cases 12 to 17."""

import base64
import socket as network
import threading
from collections.abc import Iterator

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from websockets.frames import Frame, Opcode
from websockets.sync.client import connect

from chargepoints.models import Station
from csms import server as servers
from csms.common.clock import now
from csms.common.identifiers import uuid7
from ocpp_gateway.auth import Admission, admit
from ocpp_gateway.handshake import read_upgrade
from ocpp_gateway.models import StationConnection
from ocpp_gateway.services import leases
from tests.ocpp_gateway.servers import (
    WAIT_SECONDS,
    Charger,
    GatewayServer,
    basic,
    charger,
    frame_head,
    running_server,
    until,
)
from tests.support.factories import STATION_PASSWORD, make_station
from tests.support.threads import in_threads


@pytest.fixture
def impatient(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[GatewayServer]:
    """A server that asks often whether a charger is still there."""
    monkeypatch.setattr(servers, "PING_INTERVAL_SECONDS", 0.3)
    monkeypatch.setattr(servers, "PING_TIMEOUT_SECONDS", 0.3)
    with running_server() as running:
        yield running


def test_case_12_a_charger_that_answers_no_ping_is_closed_and_another_stays(
    impatient: GatewayServer, station: Station
) -> None:
    with charger(impatient, make_station()) as good, charger(impatient, station) as bad:
        protocol = bad.connection.protocol
        send = protocol.send_frame

        def send_no_pong(frame: Frame) -> None:
            if frame.opcode is not Opcode.PONG:
                send(frame)

        protocol.send_frame = send_no_pong  # type: ignore[method-assign]
        good.boot()
        assert bad.boot()["status"] == "Accepted"
        assert bad.close_code() is not None
        until(lambda: not Station.objects.get(pk=station.pk).is_online)
        assert good.call("Heartbeat", {})["currentTime"]


def test_case_13_forty_chargers_behind_one_address_reconnect_at_once(
    server: GatewayServer,
) -> None:
    everybody = [make_station() for _number in range(40)]
    all_are_in = threading.Barrier(40)

    def reconnect(number: int) -> str:
        with charger(server, everybody[number]) as socket:
            status: str = socket.boot()["status"]
            all_are_in.wait(30)
            return status

    assert in_threads(40, reconnect) == ["Accepted"] * 40
    assert StationConnection.objects.filter(epoch=1).count() == 40


def test_case_14_a_reconnect_costs_the_same_few_statements_whoever_is_connected(
    transactional_db: None,
) -> None:
    node = uuid7()
    leases.beat(node, host="here", process_id=1, started_at=now(), at=now())

    def statements(station: Station) -> int:
        headers = basic(station.identity, STATION_PASSWORD)
        request = read_upgrade(
            {
                "path": f"/ocpp/{station.identity}",
                "raw_path": f"/ocpp/{station.identity}".encode(),
                "query_string": b"",
                "headers": [(b"authorization", headers["Authorization"].encode())],
                "client": ("127.0.0.1", 1),
                "subprotocols": ["ocpp1.6"],
                "scheme": "ws",
            }
        )
        assert request is not None
        with CaptureQueriesContext(connection) as queries:
            assert isinstance(admit(request, node, now()), Admission)
        verbs = [query["sql"].split(maxsplit=1)[0] for query in queries]
        return sum(verb in ("SELECT", "INSERT", "UPDATE", "DELETE") for verb in verbs)

    everybody = [make_station() for _number in range(30)]
    first = {statements(station) for station in everybody}
    again = {statements(station) for station in everybody}
    assert (len(first), len(again)) == (1, 1)
    assert max(first | again) <= 8


def upgrade(server: GatewayServer, station: Station, *lines: str) -> bytes:
    """Send an upgrade of these header lines and return the status line of the answer."""
    secret = base64.b64encode(f"{station.identity}:{STATION_PASSWORD}".encode()).decode()
    head = [
        f"GET /ocpp/{station.identity} HTTP/1.1",
        f"Host: 127.0.0.1:{server.port}",
        f"authorization: Basic {secret}",
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
        "sec-websocket-version: 13",
        "SEC-WEBSOCKET-PROTOCOL: ocpp1.6",
        *lines,
    ]
    with network.create_connection(("127.0.0.1", server.port), WAIT_SECONDS) as raw:
        raw.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
        return raw.makefile("rb").readline()


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["Connection: Upgrade", "Upgrade: websocket"], b"101"),
        (["connection: upgrade", "UPGRADE: WebSocket"], b"101"),
        (["Connection: keep-alive, Upgrade", "Upgrade: websocket"], b"101"),
        (["Upgrade: websocket"], b"4"),
        (["Connection: keep-alive", "Upgrade: websocket"], b"4"),
        ([], b"4"),
    ],
)
def test_case_15_an_odd_upgrade_is_served_or_refused_cleanly(
    server: GatewayServer, station: Station, lines: list[str], status: bytes
) -> None:
    assert upgrade(server, station, *lines).split()[1].startswith(status)
    with charger(server, station) as socket:
        assert socket.boot()["status"] == "Accepted"


def test_case_16_frames_in_pieces_and_empty_ones_are_read_and_others_close_their_own_socket(
    server: GatewayServer, socket: Charger
) -> None:
    socket.connection.send(iter('[2,"pieces","Heartbeat",{}]'))
    assert socket.receive()[:2] == [3, "pieces"]
    socket.send("")
    assert socket.call("Heartbeat", {})["currentTime"]
    with charger(server, make_station()) as other:
        other.send(b"")
        assert other.close_code() == 1003
    begun = frame_head(2_500_000, 0x01) + b"x" * 2_500_000
    for too_long in (frame_head(5_000_000), begun + frame_head(2_500_000, 0x80)):
        with charger(server, make_station()) as other:
            other.send_raw(too_long)
            assert other.close_code() == 1009
    assert socket.call("Heartbeat", {})["currentTime"]


@pytest.mark.parametrize("compression", ["deflate", None])
def test_case_17_compression_may_be_offered_and_is_not_used(
    server: GatewayServer, station: Station, compression: str | None
) -> None:
    with connect(
        f"{server.address}/ocpp/{station.identity}",
        subprotocols=["ocpp1.6"],  # type: ignore[list-item]
        additional_headers=basic(station.identity, STATION_PASSWORD),
        compression=compression,
    ) as connected:
        assert connected.response is not None
        assert "Sec-WebSocket-Extensions" not in connected.response.headers
        assert Charger(connected).boot()["status"] == "Accepted"
