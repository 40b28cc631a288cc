"""T20: one charger, two gateways, a thousand jumps; a third process asks for commands meanwhile."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import client_with_key
from tests.acceptance.installation import Client, Installation, Server, until
from tests.faults.cluster import Cluster
from tests.faults.command_log import FINAL, command_log, histories
from tests.faults.conftest import Serve
from tests.faults.jumping import Jumper
from tests.faults.scale import scaled
from tests.faults.wire import identity_of, rows

pytestmark = [pytest.mark.faults, pytest.mark.slow]
JUMPS = scaled(1_000)
# Others that jump beside it, with fewer jumps each.
OTHERS, OTHERS_JUMPS = 4, scaled(60)
STAY_SECONDS = 0.05


def sockets_of(server: Server) -> int:
    """TCP connections that clients have with the server, half-closed ones included."""
    inodes = set()
    for entry in Path(f"/proc/{server.process.pid}/fd").iterdir():
        target = str(entry.readlink())
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    lines = Path(f"/proc/{server.process.pid}/net/tcp").read_text().splitlines()[1:]
    fields = [line.split() for line in lines]
    mine = f":{server.port:04X}"
    listening = "0A"
    return sum(
        1 for row in fields if row[1].endswith(mine) and row[3] != listening and row[9] in inodes
    )


def body_of(number: int, chance: random.Random) -> dict[str, Any]:
    bodies: tuple[dict[str, Any], ...] = (
        {"command": "start_charging", "id_token": f"JUMP{number}", "connector_id": 1},
        {"command": "stop_charging", "transaction_id": 1_000_000 + number},
        {"command": "get_configuration", "keys": [f"key{number}"]},
        {"command": "reset", "type": "soft"},
    )
    return chance.choice(bodies)


async def jump_about(
    jumper: Jumper, gateways: tuple[Server, Server], operator: Client, jumps: int
) -> list[str]:
    """The ids of the commands that were asked for meanwhile."""
    path = f"/api/admin/chargepoints/{jumper.identity}/commands"
    asked: list[str] = []

    async def ask(number: int) -> None:
        body = body_of(number, jumper.chance)
        status, answer = await asyncio.to_thread(operator.call, "POST", path, body)
        assert status == 202, answer
        asked.append(answer["id"])

    asking: list[asyncio.Task[None]] = []
    for number in range(jumps):
        if jumper.chance.random() < 0.5:
            asking.append(asyncio.create_task(ask(number)))
        await jumper.jump(gateways[number % 2].port)
        if jumper.chance.random() < 0.6:
            await jumper.stay(STAY_SECONDS)
    await asyncio.gather(*asking)
    return asked


async def test_T20_a_charger_jumps_a_thousand_times_while_commands_flow(
    fleet: Installation, cluster: Cluster, serve: Serve
) -> None:
    settings = {"OCPP_CALL_TIMEOUT_SECONDS": "5", "COMMAND_EXPIRY_SECONDS": "3600"}
    web = await asyncio.to_thread(lambda: serve(**settings))
    gateways = (
        await asyncio.to_thread(lambda: serve(**settings)),
        await asyncio.to_thread(lambda: serve(**settings)),
    )
    operator = await asyncio.to_thread(client_with_key, fleet, web, "operate", "read")
    jumpers = [Jumper(identity_of(600 + number), seed=number) for number in range(1 + OTHERS)]
    jumps = [JUMPS, *[OTHERS_JUMPS] * OTHERS]
    with command_log(cluster.url):
        asked = await asyncio.gather(
            *(
                jump_about(jumper, gateways, operator, count)
                for jumper, count in zip(jumpers, jumps, strict=True)
            )
        )
        # Each stays where it is until nothing is left to do.
        open_commands = (
            "SELECT count(*) FROM chargepoints_command c JOIN chargepoints_station s"
            " ON s.id = c.station_id WHERE s.identity = %s AND c.status IN ('QUEUED', 'SENT')"
        )
        for jumper in jumpers:
            while rows(cluster.url, open_commands, jumper.identity) != [(0,)]:
                await jumper.stay(STAY_SECONDS)
        changes = histories(cluster.url)
        for jumper, ids, count in zip(jumpers, asked, jumps, strict=True):
            check_commands(cluster, jumper, ids, changes)
            check_ownership(cluster, jumper, count, gateways[(count - 1) % 2])
        # One socket for each charger is left, and nothing of the others in either process.
        await asyncio.to_thread(
            until,
            lambda: sum(sockets_of(gateway) for gateway in gateways) == len(jumpers),
            "the old sockets to be gone",
        )
        await asyncio.gather(*(jumper.leave() for jumper in jumpers))


def check_commands(
    cluster: Cluster, jumper: Jumper, asked: list[str], changes: dict[str, list[str]]
) -> None:
    """Every command ended once, and went over the wire once at most."""
    found = rows(
        cluster.url,
        "SELECT c.id::text, c.status, c.message_id FROM chargepoints_command c"
        " JOIN chargepoints_station s ON s.id = c.station_id WHERE s.identity = %s",
        jumper.identity,
    )
    by_message = {message_id: status for _key, status, message_id in found}
    assert {key for key, *_state in found} >= set(asked)
    assert asked
    assert max(jumper.told.values()) == 1, "A request went out twice."
    assert set(jumper.told) <= set(by_message), "A command went out with two message ids."
    for key, status, message_id in found:
        history = changes[key]
        assert history[-1] == status
        assert status in FINAL, (key, status)
        assert history.count("SENT") == 1
        # What ended ended once; only "outcome unknown" may be settled by what is learned later.
        ends = [state for state in history if state in FINAL]
        assert ends == [status] or ends == ["TIMED_OUT", status], history
        if message_id not in jumper.told:
            assert status in {"TIMED_OUT", "FAILED"}, history
    for message_id in jumper.settled:
        assert by_message[message_id] == "ACCEPTED"


def check_ownership(cluster: Cluster, jumper: Jumper, jumps: int, last: Server) -> None:
    """The lease is the last socket's, and everybody agrees that the charger is there."""
    (held,) = rows(
        cluster.url,
        "SELECT k.epoch, k.closed_at, s.is_online, n.process_id"
        " FROM ocpp_gateway_stationconnection k JOIN chargepoints_station s ON s.id = k.station_id"
        " LEFT JOIN ocpp_gateway_gatewaynode n ON n.id = k.node_id WHERE s.identity = %s",
        jumper.identity,
    )
    assert held == (jumps, None, True, last.process.pid)
