"""A charger written with the `ocpp` package, as somebody else would write it."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import websockets
from ocpp.routing import after, on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import Action, RemoteStartStopStatus
from websockets.typing import Subprotocol

from tests.acceptance.installation import Server

PASSWORD = "a-password-of-its-own"
ANSWER_SECONDS = 15


class Car(ChargePoint):
    """Starts and stops as it is told. `may_answer`: a remote start waits for it."""

    def __init__(self, identity: str, connection: Any) -> None:
        super().__init__(identity, connection)
        self.transaction_id = 0
        self.register = 0
        self.told: list[str] = []
        self.has_started = asyncio.Event()
        self.has_stopped = asyncio.Event()
        self.was_told = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    # --- what it is told

    @on(Action.remote_start_transaction)
    async def on_remote_start(
        self, id_tag: str, **_fields: Any
    ) -> call_result.RemoteStartTransaction:
        self.told.append(f"start {id_tag}")
        self.was_told.set()
        await self.may_answer.wait()
        return call_result.RemoteStartTransaction(RemoteStartStopStatus.accepted)

    @after(Action.remote_start_transaction)
    async def after_remote_start(self, id_tag: str, **_fields: Any) -> None:
        await self.begin(id_tag)

    @on(Action.remote_stop_transaction)
    async def on_remote_stop(
        self, transaction_id: int, **_fields: Any
    ) -> call_result.RemoteStopTransaction:
        self.told.append(f"stop {transaction_id}")
        is_mine = transaction_id == self.transaction_id
        known = RemoteStartStopStatus.accepted if is_mine else RemoteStartStopStatus.rejected
        return call_result.RemoteStopTransaction(known)

    @after(Action.remote_stop_transaction)
    async def after_remote_stop(self, **_fields: Any) -> None:
        await self.end(self.register, reason="Remote")

    # --- what it does

    async def boot(self) -> None:
        answer = await self.call(call.BootNotification("Foreign One", "Somebody Else"))
        assert answer.status == "Accepted"

    async def begin(self, token: str, at: datetime | None = None) -> int:
        answer = await self.call(
            call.StartTransaction(1, token, self.register, (at or datetime.now(UTC)).isoformat())
        )
        self.transaction_id = answer.transaction_id
        self.has_started.set()
        return self.transaction_id

    async def measure(self, register: int, at: datetime | None = None) -> None:
        self.register = register
        sample = {"value": str(register), "measurand": "Energy.Active.Import.Register"}
        moment = (at or datetime.now(UTC)).isoformat()
        values = [{"timestamp": moment, "sampledValue": [sample]}]
        await self.call(call.MeterValues(1, values, self.transaction_id))

    async def end(self, register: int, at: datetime | None = None, reason: str = "Local") -> None:
        moment = (at or datetime.now(UTC)).isoformat()
        await self.call(call.StopTransaction(register, moment, self.transaction_id, reason))
        self.has_stopped.set()


@asynccontextmanager
async def connected(server: Server, identity: str, car: Car | None = None) -> AsyncIterator[Car]:
    """A car on a new socket; `car` lends what it remembers of its session."""
    credentials = base64.b64encode(f"{identity}:{PASSWORD}".encode()).decode()
    async with websockets.connect(
        f"ws://127.0.0.1:{server.port}/ocpp/{identity}",
        subprotocols=[Subprotocol("ocpp1.6")],
        additional_headers={"Authorization": f"Basic {credentials}"},
        close_timeout=2,
    ) as connection:
        new = Car(identity, connection)
        if car is not None:
            new.transaction_id, new.register = car.transaction_id, car.register
        listening = asyncio.create_task(new.start())
        try:
            yield new
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


async def soon(event: asyncio.Event) -> None:
    async with asyncio.timeout(ANSWER_SECONDS):
        await event.wait()
