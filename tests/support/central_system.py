"""A management system of a few lines, to test simulated chargers without ours."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol


@dataclass
class CentralSystem:
    """Keeps every CALL and answers it; `wait_for` a condition on what came."""

    url: str = ""
    calls: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    handshakes: list[ServerConnection] = field(default_factory=list)
    sockets: dict[str, ServerConnection] = field(default_factory=dict)
    authorization: str = "Accepted"
    _answers: dict[str, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _transactions: int = 0

    def payloads(self, action: str) -> list[dict[str, Any]]:
        return [payload for _identity, name, payload in self.calls if name == action]

    def counts(self) -> Counter[str]:
        return Counter(name for _identity, name, _payload in self.calls)

    async def wait_for(self, condition: Callable[[], bool], seconds: float = 10) -> None:
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(condition)

    async def call(self, identity: str, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        message_id = f"m{len(self._answers)}"
        answer = self._answers[message_id] = asyncio.get_running_loop().create_future()
        await self.sockets[identity].send(json.dumps([2, message_id, action, payload]))
        async with asyncio.timeout(5):
            return await answer

    async def serve_socket(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        identity = socket.request.path.rsplit("/", 1)[-1]
        self.handshakes.append(socket)
        self.sockets[identity] = socket
        async for text in socket:
            message = json.loads(text)
            if message[0] == 2:
                await socket.send(json.dumps([3, message[1], self._answer(*message[2:])]))
                async with self._changed:
                    self.calls.append((identity, message[2], message[3]))
                    self._changed.notify_all()
            else:
                self._answers[message[1]].set_result(message[2])

    def _answer(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        info = {"status": self.authorization}
        now = "2026-01-01T00:00:00Z"
        if action == "StartTransaction":
            self._transactions += 1
            return {"transactionId": self._transactions, "idTagInfo": info}
        answers: dict[str, dict[str, Any]] = {
            "BootNotification": {"status": "Accepted", "currentTime": now, "interval": 60},
            "Heartbeat": {"currentTime": now},
            "Authorize": {"idTagInfo": info},
            "StopTransaction": {"idTagInfo": info},
        }
        return answers.get(action, {})


@asynccontextmanager
async def central_system() -> AsyncIterator[CentralSystem]:
    central = CentralSystem()
    async with serve(
        central.serve_socket, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp1.6")]
    ) as server:
        port = server.sockets[0].getsockname()[1]
        central.url = f"ws://127.0.0.1:{port}/ocpp"
        yield central
