"""The gateway is killed in mid-session: the charger comes back, and the session goes on."""

import asyncio

import pytest

from tests.acceptance.cars import connected
from tests.acceptance.conftest import client_with_key
from tests.acceptance.installation import STOPPED, Installation


@pytest.mark.parametrize(("identity", "boots"), [("ACC-BOOT", True), ("ACC-NOBOOT", False)])
async def test_the_same_session_goes_on(
    installation: Installation, identity: str, boots: bool
) -> None:
    first = await asyncio.to_thread(installation.serve)
    async with connected(first, identity) as car:
        await car.boot()
        car.register = 20_000
        transaction = await car.begin("CARD0001")
        await car.measure(20_100)
        first.kill()
    second = await asyncio.to_thread(installation.serve, "uvicorn", first.port)
    partner = await asyncio.to_thread(client_with_key, installation, second, "read")
    async with connected(second, identity, car) as again:
        if boots:
            await again.boot()
            assert partner.summary(transaction)["state"] == "INTERRUPTED"
        await again.measure(20_200)
        # At once, and not when a sweeper comes.
        running = partner.summary(transaction)
        assert (running["state"], running["energy_wh"]) == ("ACTIVE", 200)
        await again.end(20_300)

    (only,) = partner.sessions_of(identity)
    assert (only["transaction_id"], only["state"]) == (str(transaction), "ENDED")
    found = partner.summary(transaction)
    assert (found["energy_wh"], found["end_reason"], found["review"]) == (300, "Local", [])
    assert [point["energy_wh"] for point in found["curve"]] == [100, 200]
    # One bill: 0.3 kWh x 7.50.
    assert [(line["quantity"], line["gross"]) for line in found["lines"]] == [("0.3000", "2.25")]
    assert found["total_gross"] == "2.25"
    assert second.stop() in STOPPED
