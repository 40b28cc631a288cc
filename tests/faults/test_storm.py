"""T19: after a deploy all chargers come back at once."""

import asyncio
import json
import subprocess
import time
import urllib.request
from collections import Counter

import pytest

from tests.acceptance.conftest import client_with_key
from tests.acceptance.installation import PYTHON, ROOT, Installation, Server
from tests.faults.cluster import Cluster
from tests.faults.conftest import Serve
from tests.faults.scale import scaled
from tests.faults.wire import memory_of, rows

pytestmark = [pytest.mark.faults, pytest.mark.slow]
CHARGERS = scaled(5_000)
ARRIVE_SECONDS = 10
# 20 KB for each idle charger, and what the storm itself needs for a moment.
MOST_MEMORY = 250 * 2**20

# Servers that other tests have killed left leases behind.
HELD_BY = (
    "SELECT count(*) FROM ocpp_gateway_stationconnection k"
    " JOIN ocpp_gateway_gatewaynode n ON n.id = k.node_id"
    " WHERE k.closed_at IS NULL AND n.process_id = %s"
)


async def pages(server: Server, key: dict[str, str], is_over: asyncio.Event) -> list[float]:
    """How long a page and a list took, again and again, while the storm runs."""

    def load(path: str) -> float:
        began = time.monotonic()
        request = urllib.request.Request(server.base + path, headers=key)
        urllib.request.urlopen(request, timeout=30).close()
        return time.monotonic() - began

    took: list[float] = []
    while not is_over.is_set():
        for path in ("/readyz", "/api/chargepoints?page_size=20"):
            took.append(await asyncio.to_thread(load, path))
        await asyncio.sleep(0.1)
    return took


def start_chargers(fleet: Installation, server: Server) -> "subprocess.Popen[bytes]":
    command = (PYTHON, "-m", "tests.faults.storm", str(server.port), str(CHARGERS))
    return subprocess.Popen(
        [*command, str(ARRIVE_SECONDS)],
        cwd=ROOT,
        env=fleet.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


async def test_T19_five_thousand_chargers_reconnect_in_ten_seconds(
    fleet: Installation, cluster: Cluster, serve: Serve
) -> None:
    server = await asyncio.to_thread(serve)
    reader = await asyncio.to_thread(client_with_key, fleet, server, "read")
    assert reader.get("/api/chargepoints?page_size=20")["results"]
    before = memory_of(server.process.pid)
    is_over = asyncio.Event()
    looking = asyncio.create_task(pages(server, reader.headers, is_over))
    chargers = start_chargers(fleet, server)
    assert chargers.stdin is not None
    assert chargers.stdout is not None
    try:
        outcome = json.loads(await asyncio.to_thread(chargers.stdout.readline))
        is_over.set()
        took = await looking
        connected = rows(cluster.url, HELD_BY, server.process.pid)
        grown = memory_of(server.process.pid) - before
    finally:
        await asyncio.to_thread(chargers.communicate)
    assert (outcome["accepted"], outcome["failures"]) == (CHARGERS, [])
    assert outcome["seconds"] <= 60
    assert connected == [(CHARGERS,)]
    assert grown < MOST_MEMORY, f"{grown / 2**20:.0f} MB"
    assert sorted(took)[int(len(took) * 0.95)] < 1
    # They will not come back together: of 61 seconds none has more than twice its share.
    intervals = Counter(outcome["intervals"])
    assert max(intervals.values()) <= 2 * CHARGERS / 61 + 1
