"""A charger that is not ours: the `ocpp` package's own charge point, through a whole session."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import websockets
from channels.db import database_sync_to_async
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import Action, ChargePointErrorCode, ChargePointStatus, RemoteStartStopStatus

from chargepoints.domain.states import CommandStatus
from chargepoints.models import Station
from chargepoints.services import commands
from ocpp_gateway.services.sending import GATEWAY
from tests.ocpp_gateway.servers import GatewayServer, basic, until
from tests.support.factories import STATION_PASSWORD, make_id_token
from transactions.models import Reading, Session

BEGAN = datetime.now(UTC) - timedelta(hours=1)


class Car(ChargePoint):
    """Starts when it is told to."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.told = asyncio.Event()

    @on(Action.remote_start_transaction)
    def on_remote_start(self, id_tag: str, **_fields: Any) -> call_result.RemoteStartTransaction:
        self.told.set()
        return call_result.RemoteStartTransaction(RemoteStartStopStatus.accepted)


async def charge(car: Car) -> int:
    await asyncio.wait_for(car.told.wait(), 10)
    status = (ChargePointErrorCode.no_error, ChargePointStatus.charging)
    await car.call(call.StatusNotification(1, *status))
    assert (await car.call(call.Authorize("CARD"))).id_tag_info["status"] == "Accepted"
    started = await car.call(call.StartTransaction(1, "CARD", 1000, BEGAN.isoformat()))
    transaction: int = started.transaction_id
    for minutes in range(10, 60, 10):
        at = (BEGAN + timedelta(minutes=minutes)).isoformat()
        samples = [{"value": str(1000 + 175 * minutes)}]
        values = [{"timestamp": at, "sampledValue": samples}]
        await car.call(call.MeterValues(1, values, transaction))
    ended = (BEGAN + timedelta(hours=1)).isoformat()
    await car.call(call.StopTransaction(11_500, ended, transaction, id_tag="CARD"))
    return transaction


async def test_a_session_of_a_foreign_charge_point(server: GatewayServer, station: Station) -> None:
    await database_sync_to_async(make_id_token)("CARD")
    headers = basic(station.identity, STATION_PASSWORD)
    async with websockets.connect(
        f"{server.address}/ocpp/{station.identity}",
        subprotocols=["ocpp1.6"],  # type: ignore[list-item]
        additional_headers=headers,
    ) as connection:
        car = Car(station.identity, connection)
        listening = asyncio.create_task(car.start())
        boot = await car.call(call.BootNotification("Model", "Vendor"))
        assert boot.status == "Accepted"
        command = await database_sync_to_async(commands.request)(
            station, "start_charging", {"id_token": "CARD"}, actor=GATEWAY
        )
        transaction = await charge(car)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)

    def check() -> None:
        session = Session.objects.get(pk=transaction)
        assert (session.state, session.energy_wh) == ("ENDED", 10_500)
        assert Reading.objects.filter(session=session).count() == 5
        until(lambda: command.refresh_from_db() or command.status == CommandStatus.ACCEPTED)

    await database_sync_to_async(check)()
