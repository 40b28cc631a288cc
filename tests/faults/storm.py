"""`python -m tests.faults.storm PORT COUNT SECONDS`: COUNT chargers come within SECONDS.

A process of its own, so that what it costs is not the test's. It prints what came of it as JSON and
holds the sockets until its standard input ends.
"""

import asyncio
import json
import sys
import time
from typing import Any

from benchmarks.chargers import Charger
from benchmarks.messages import boot
from csms.file_limit import raise_file_limit
from tests.acceptance.cars import PASSWORD
from tests.faults.wire import identity_of

ACCEPTED = "Accepted"


async def arrive(number: int, port: int, wait: float, chargers: list[Charger]) -> dict[str, Any]:
    await asyncio.sleep(wait)
    charger = Charger(identity_of(number), PASSWORD, f"CARD{number}")
    await charger.connect(f"ws://127.0.0.1:{port}/ocpp")
    chargers.append(charger)
    return await charger.call("BootNotification", boot())


async def storm(port: int, count: int, seconds: float) -> None:
    chargers: list[Charger] = []
    began = time.monotonic()
    arriving = [arrive(number, port, seconds * number / count, chargers) for number in range(count)]
    answers = await asyncio.gather(*arriving, return_exceptions=True)
    booted = [answer for answer in answers if isinstance(answer, dict)]
    failures = [repr(answer) for answer in answers if not isinstance(answer, dict)]
    outcome = {
        "accepted": sum(answer["status"] == ACCEPTED for answer in booted),
        "seconds": time.monotonic() - began,
        "intervals": [answer["interval"] for answer in booted],
        "failures": failures[:5],
    }
    sys.stdout.write(json.dumps(outcome) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    await asyncio.gather(*(charger.disconnect() for charger in chargers))


if __name__ == "__main__":
    raise_file_limit()
    asyncio.run(storm(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
