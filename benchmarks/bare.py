"""The plainest central system on the `ocpp` package: validates, answers, and stores nothing.

`python -m benchmarks.bare --port N`: what the package by itself costs a message, for comparison.
"""

import argparse
import asyncio
import itertools
import logging
from datetime import UTC, datetime
from typing import Any

import uvloop
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call_result
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

_transactions = itertools.count(1)


class Station(ChargePoint):
    """Accepts whatever is valid."""

    @on("BootNotification")
    def on_boot(self, **_payload: Any) -> call_result.BootNotification:
        return call_result.BootNotification(_now(), 300, "Accepted")

    @on("StartTransaction")
    def on_start(self, **_payload: Any) -> call_result.StartTransaction:
        return call_result.StartTransaction(next(_transactions), {"status": "Accepted"})

    @on("MeterValues")
    def on_meter_values(self, **_payload: Any) -> call_result.MeterValues:
        return call_result.MeterValues()

    @on("Heartbeat")
    def on_heartbeat(self, **_payload: Any) -> call_result.Heartbeat:
        return call_result.Heartbeat(_now())


def _now() -> str:
    return datetime.now(UTC).isoformat()


async def _serve_station(connection: ServerConnection) -> None:
    assert connection.request is not None
    await Station(connection.request.path.rsplit("/", 1)[-1], connection).start()


async def _serve(port: int) -> None:
    async with serve(
        _serve_station,
        "127.0.0.1",
        port,
        subprotocols=[Subprotocol("ocpp1.6")],
        compression=None,
    ) as server:
        await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bare", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    # Its lines for each frame would be what is measured.
    logging.getLogger("ocpp").setLevel(logging.ERROR)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
