"""Peers that vanish, dawdle, flood or come all at once, against a gateway process."""

import asyncio
import contextlib
import json
import socket
import struct
import time

import pytest
from websockets.exceptions import ConnectionClosed

from csms.file_limit import raise_file_limit
from tests.acceptance.conftest import client_with_key
from tests.acceptance.installation import Installation, until
from tests.faults.cluster import Cluster
from tests.faults.conftest import Serve
from tests.faults.proxy import Proxy
from tests.faults.scale import scaled
from tests.faults.wire import headers_of, identity_of, memory_of, plugged, rows

pytestmark = [pytest.mark.faults, pytest.mark.slow]
# From the end of a dawdler to our look at it, with 2,000 of them to look at.
LOOKING_SECONDS = 3


def upgraded(port: int, identity: str) -> socket.socket:
    """A bare TCP connection behind its handshake, to send frames as no library would."""
    head = [
        f"GET /ocpp/{identity} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: ocpp1.6",
        "Sec-WebSocket-Extensions: permessage-deflate",
        *(f"{name}: {value}" for name, value in headers_of(identity).items()),
    ]
    raw = socket.create_connection(("127.0.0.1", port), timeout=20)
    raw.sendall("\r\n".join([*head, "", ""]).encode())
    answer = raw.recv(4_096)
    assert answer.startswith(b"HTTP/1.1 101"), answer
    assert b"permessage-deflate" not in answer
    return raw


def frame(payload: bytes, first_byte: int, announced: int | None = None) -> bytes:
    """A masked frame (mask 0); `announced` lies about its length."""
    length = len(payload) if announced is None else announced
    if length < 126:
        head = struct.pack("!BB", first_byte, 0x80 | length)
    elif length < 65_536:
        head = struct.pack("!BBH", first_byte, 0x80 | 126, length)
    else:
        head = struct.pack("!BBQ", first_byte, 0x80 | 127, length)
    return head + bytes(4) + payload


def end_of(raw: socket.socket) -> int | None:
    """Read until the server ends the connection: the code of its close frame, None without one."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while data := raw.recv(65_536):
            received += data
    raw.close()
    at = received.rfind(b"\x88")
    return struct.unpack("!H", received[at + 2 : at + 4])[0] if at >= 0 else None


async def test_T22_a_half_open_connection(
    fleet: Installation, cluster: Cluster, serve: Serve
) -> None:
    identity = identity_of(22)
    server = await asyncio.to_thread(serve, OCPP_CALL_TIMEOUT_SECONDS="20")
    operator = await asyncio.to_thread(client_with_key, fleet, server, "operate", "read")
    proxy = Proxy(server.port)
    async with plugged(proxy.port, identity) as plug:
        await plug.boot()
        proxy.freeze()
        frozen = time.monotonic()
        path = f"/api/admin/chargepoints/{identity}/commands"
        body = {"command": "start_charging", "id_token": "CARD0001"}
        status, command = await asyncio.to_thread(operator.call, "POST", path, body)
        assert status == 202
        find = (
            "SELECT closed_at FROM ocpp_gateway_stationconnection k "
            "JOIN chargepoints_station s ON s.id = k.station_id WHERE identity = %s"
        )
        await asyncio.to_thread(
            until, lambda: rows(cluster.url, find, identity)[0][0], "the charger to go offline", 60
        )
        assert time.monotonic() - frozen <= 60
        found = await asyncio.to_thread(operator.get, f"/api/admin/commands/{command['id']}")
        assert found["status"] == "TIMED_OUT"
        proxy.close()


async def test_T23_2_000_handshakes_and_frames_byte_by_byte(
    fleet: Installation, serve: Serve
) -> None:
    raise_file_limit()
    server = await asyncio.to_thread(serve)
    async with plugged(server.port, identity_of(23)) as witness, asyncio.timeout(120):
        await witness.boot()
        everybody = await asyncio.to_thread(dawdlers, server.port)
        slow = asyncio.create_task(asyncio.to_thread(send_slowly, server.port, identity_of(1_900)))
        lasted: list[float] = []
        answered: list[float] = []
        while everybody:
            await asyncio.sleep(0.5)
            asked = time.monotonic()
            await witness.call("Heartbeat", {})
            answered.append(time.monotonic() - asked)
            for raw, (began, sends) in list(everybody.items()):
                if is_dropped(raw, sends=sends):
                    lasted.append(time.monotonic() - began)
                    del everybody[raw]
                    raw.close()
        # A charger on a bad line is no attacker.
        assert b'[3,"slow",' in await slow
    assert len(lasted) == 4 * scaled(500)
    assert max(lasted) <= 10 + LOOKING_SECONDS
    assert max(answered) < 1


def dawdlers(port: int) -> dict[socket.socket, tuple[float, bool]]:
    """500 that say nothing, 1,000 in the head of a request and 500 in a frame, all slowly.

    With each, since when the server waits, and whether it goes on sending.
    """
    everybody: dict[socket.socket, tuple[float, bool]] = {}
    a_quarter = scaled(500)
    framing = [upgraded(port, identity_of(1_000 + number)) for number in range(a_quarter)]
    for number in range(3 * a_quarter):
        raw = socket.create_connection(("127.0.0.1", port))
        everybody[raw] = (time.monotonic(), number % 3 > 0)
        if number % 3:
            raw.sendall(f"GET /ocpp/{identity_of(1)} HTTP/1.1\r\nX-Slow: ".encode())
    for raw in framing:
        everybody[raw] = (time.monotonic(), True)
        raw.sendall(frame(b"[2,", 0x81, announced=500))
    for raw in everybody:
        raw.setblocking(False)
    return everybody


def send_slowly(port: int, identity: str) -> bytes:
    """One frame at 300 bytes a second, which takes longer than a dawdler is given."""
    payload = json.dumps([2, "slow", "DataTransfer", {"vendorId": "V", "data": "x" * 4_500}])
    data = frame(payload.encode(), 0x81)
    with upgraded(port, identity) as raw:
        for at in range(0, len(data), 300):
            raw.sendall(data[at : at + 300])
            time.sleep(1)
        return raw.recv(4_096)


def is_dropped(raw: socket.socket, *, sends: bool) -> bool:
    try:
        if sends:
            raw.sendall(b"a")
        return raw.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


async def test_T24_frames_that_are_too_much(fleet: Installation, serve: Serve) -> None:
    server = await asyncio.to_thread(serve)
    async with plugged(server.port, identity_of(24)) as witness:
        await witness.boot()
        before = memory_of(server.process.pid)
        codes = await asyncio.to_thread(send_too_much, server.port)
        grown = memory_of(server.process.pid) - before
        await witness.call("Heartbeat", {})
    assert codes == {"10 MB": 1009, "announced": 1009, "fragments": 1009, "compressed": 1002}
    assert grown < 50 * 2**20


def send_too_much(port: int) -> dict[str, int | None]:
    codes: dict[str, int | None] = {}
    big = upgraded(port, identity_of(400))
    with contextlib.suppress(OSError):
        big.sendall(frame(b"x" * 10 * 2**20, 0x81))
    codes["10 MB"] = end_of(big)
    liar = upgraded(port, identity_of(401))
    liar.sendall(frame(b"x", 0x81, announced=2**40))
    codes["announced"] = end_of(liar)
    fragments = upgraded(port, identity_of(402))
    with contextlib.suppress(OSError):
        fragments.sendall(frame(b"[", 0x01))
        for _batch in range(100):  # 100,000 fragments of one byte, and then as many of fifty
            fragments.sendall(frame(b" ", 0x00) * 1_000)
        for _batch in range(100):
            fragments.sendall(frame(b" " * 50, 0x00) * 1_000)
    codes["fragments"] = end_of(fragments)
    # Nothing is compressed here, so whoever claims it is cut off before anything is unpacked.
    bomb = upgraded(port, identity_of(403))
    bomb.sendall(frame(b"\xec\xc1\x01\x01\x00\x00\x00\x80\x90\xfe\xaf\xee", 0xC1))
    codes["compressed"] = end_of(bomb)
    return codes


async def test_T38_a_thousand_cards_are_tried(
    fleet: Installation, cluster: Cluster, serve: Serve
) -> None:
    identity = identity_of(38)
    server = await asyncio.to_thread(serve)
    async with plugged(server.port, identity) as plug:
        await plug.boot()
        answers: set[str] = set()
        tried = 0
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            async with asyncio.timeout(20):
                for number in range(1_000):
                    answer = await plug.exchange("Authorize", {"idTag": f"{number:08}"})
                    answers.add(json.dumps(answer[2]))
                    tried += 1
    assert tried < 100, "A charger may try cards as fast as it likes."
    assert len(answers) == 1
    find = (
        "SELECT kind FROM chargepoints_stationanomaly a "
        "JOIN chargepoints_station s ON s.id = a.station_id WHERE identity = %s"
    )
    await asyncio.to_thread(
        until, lambda: ("many_unknown_tokens",) in rows(cluster.url, find, identity), "the alert"
    )
