"""Raw frames of many chargers at once, and the rows behind them."""

import asyncio
import base64
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import websockets
from websockets.asyncio.client import ClientConnection
from websockets.typing import Subprotocol

from tests.acceptance.cars import PASSWORD

ANSWER_SECONDS = 30.0
_ids = itertools.count(1)


class Plug:
    """One socket of a charger. `requests`: what it was asked, in that order."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.requests: list[list[Any]] = []

    async def exchange(self, action: str, payload: Any, message_id: str = "") -> list[Any]:
        """The answer to a request, CALLRESULT or CALLERROR."""
        message_id = message_id or f"f{next(_ids)}"
        await self.connection.send(json.dumps([2, message_id, action, payload]))
        async with asyncio.timeout(ANSWER_SECONDS):
            while True:
                frame = await self._receive()
                if frame[0] in (3, 4) and frame[1] == message_id:
                    return frame

    async def next_request(self) -> list[Any]:
        """The next request of the server's; `answer` is for the caller to give."""
        asked = len(self.requests)
        async with asyncio.timeout(ANSWER_SECONDS):
            while len(self.requests) == asked:
                await self._receive()
        return self.requests[-1]

    async def answer(self, request: list[Any], payload: Any) -> None:
        await self.connection.send(json.dumps([3, request[1], payload]))

    async def _receive(self) -> list[Any]:
        frame: list[Any] = json.loads(await self.connection.recv())
        if frame[0] == 2:
            self.requests.append(frame)
        return frame

    async def call(self, action: str, payload: Any) -> Any:
        answer = await self.exchange(action, payload)
        assert answer[0] == 3, answer
        return answer[2]

    async def boot(self) -> None:
        payload = {"chargePointVendor": "Acme", "chargePointModel": "Fault"}
        assert (await self.call("BootNotification", payload))["status"] == "Accepted"


def identity_of(number: int) -> str:
    """Of one of the fleet's stations."""
    return f"FAULT-{number:04}"


def memory_of(process_id: int) -> int:
    """Resident bytes of a process."""
    status = Path(f"/proc/{process_id}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


def headers_of(identity: str) -> dict[str, str]:
    credentials = base64.b64encode(f"{identity}:{PASSWORD}".encode()).decode()
    return {"Authorization": f"Basic {credentials}"}


@asynccontextmanager
async def plugged(
    port: int, identity: str, ping_interval: float | None = None
) -> AsyncIterator[Plug]:
    async with websockets.connect(
        f"ws://127.0.0.1:{port}/ocpp/{identity}",
        subprotocols=[Subprotocol("ocpp1.6")],
        additional_headers=headers_of(identity),
        compression=None,
        ping_interval=ping_interval,
        open_timeout=60,
        close_timeout=2,
    ) as connection:
        yield Plug(connection)


def start_of(meter: int = 0) -> dict[str, Any]:
    return {"connectorId": 1, "idTag": "CARD0001", "meterStart": meter, "timestamp": stamp()}


def reading_of(transaction: int, register: int) -> dict[str, Any]:
    sample = {"value": str(register), "measurand": "Energy.Active.Import.Register"}
    values = [{"timestamp": stamp(), "sampledValue": [sample]}]
    return {"connectorId": 1, "transactionId": transaction, "meterValue": values}


def stop_of(transaction: int, meter: int) -> dict[str, Any]:
    return {"transactionId": transaction, "meterStop": meter, "timestamp": stamp()}


def stamp() -> str:
    return datetime.now(UTC).isoformat()


def rows(url: str, query: str, *values: Any) -> list[Any]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(query, values).fetchall()
