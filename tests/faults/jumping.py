"""A charger that moves to another gateway without taking leave, and notes all that it is told."""

import asyncio
import contextlib
import json
import random
from collections import Counter
from typing import Any

import websockets
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.faults.wire import headers_of

ANSWER_SECONDS = 60.0
BOOT = {"chargePointVendor": "Acme", "chargePointModel": "Jumper"}
# How the old socket is left. "open": the gateway has to find out by itself.
WAYS = ("open", "open", "open", "close", "close late", "cut")
ACCEPTED = {"status": "Accepted"}
ANSWERS: dict[str, dict[str, Any]] = {
    "GetConfiguration": {"configurationKey": [], "unknownKey": []}
}


class Line:
    """One socket of the charger, and the answers that still come on it."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.answers: dict[str, asyncio.Future[Any]] = {}
        self.listening: asyncio.Task[None] | None = None


class Jumper:
    """`told` counts message ids over all sockets; `settled` holds those it has surely answered.

    It answers most requests at once, some only on its next socket, and some never.
    """

    def __init__(self, identity: str, seed: int) -> None:
        self.identity = identity
        self.chance = random.Random(seed)
        self.told: Counter[str] = Counter()
        self.settled: set[str] = set()
        self.lines: list[Line] = []
        self.was_told = asyncio.Event()
        self._owed: list[tuple[str, str]] = []
        self._sequence = 0

    async def jump(self, port: int) -> None:
        """Connect to the gateway on `port` and say something; what the old socket got is lost."""
        way = self.chance.choice(WAYS)
        old = self.lines[-1].connection if self.lines else None
        if old is not None and way == "close":
            await old.close()
        elif old is not None and way == "cut":
            old.transport.abort()
        connection = await websockets.connect(
            f"ws://127.0.0.1:{port}/ocpp/{self.identity}",
            subprotocols=[Subprotocol("ocpp1.6")],
            additional_headers=headers_of(self.identity),
            compression=None,
            ping_interval=None,
            open_timeout=60,
            close_timeout=5,
        )
        line = Line(connection)
        self.lines.append(line)
        line.listening = asyncio.create_task(self._listen(line))
        if old is not None and way == "close late":
            await old.close()
        boots = self.chance.random() < 0.5
        await self._call(line, *(("BootNotification", BOOT) if boots else ("Heartbeat", {})))
        await self._pay()

    async def stay(self, seconds: float) -> None:
        """Wait until it is told something, `seconds` at most; its answers are stored then."""
        self.was_told.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.was_told.wait()
        await self._pay()

    async def leave(self) -> None:
        """Close the last socket; the older ones have to be closed by then, or soon."""
        await self.lines[-1].connection.close()
        async with asyncio.timeout(ANSWER_SECONDS):
            for line in self.lines:
                await line.connection.wait_closed()
                assert line.listening is not None
                await line.listening

    async def _listen(self, line: Line) -> None:
        try:
            async for text in line.connection:
                frame = json.loads(text)
                if frame[0] == 2:
                    self.told[frame[1]] += 1
                    self._owed.append((frame[1], frame[2]))
                    self.was_told.set()
                elif future := line.answers.pop(frame[1], None):
                    future.set_result(frame)
        except ConnectionClosed:
            pass  # the gateway has closed it, or we cut it
        finally:
            for future in line.answers.values():
                future.cancel()

    async def _call(self, line: Line, action: str, payload: Any) -> None:
        self._sequence += 1
        message_id = f"j{self._sequence}"
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        line.answers[message_id] = future
        await line.connection.send(json.dumps([2, message_id, action, payload]))
        async with asyncio.timeout(ANSWER_SECONDS):
            answer = await future
        assert answer[0] == 3, answer

    async def _pay(self) -> None:
        """Answer what is owed, if it feels like it, and see it taken: frames go in order."""
        line = self.lines[-1]
        paid: list[str] = []
        for message_id, action in self._owed[:]:
            mood = self.chance.random()
            if mood < 0.15:
                continue  # perhaps on the next socket
            self._owed.remove((message_id, action))
            if mood > 0.25:
                answer = [3, message_id, ANSWERS.get(action, ACCEPTED)]
                await line.connection.send(json.dumps(answer))
                paid.append(message_id)
        if paid:
            await self._call(line, "Heartbeat", {})
            self.settled.update(paid)
