"""Simulated chargers against a management system that is not ours."""

import asyncio
import base64
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from simulators.battery import Battery, arriving_car
from simulators.behaviour import charge_a_car
from simulators.charger import Charger, ChargerOptions
from simulators.fleet import Fleet, FleetOptions, RemoteTargetRefused, check_target
from simulators.profiles import MODELS, hardware_of, identity_of
from tests.support.central_system import CentralSystem, central_system

IDENTITY = "SIM-0001"


def options(central: CentralSystem, **fields: Any) -> ChargerOptions:
    return ChargerOptions(
        **{
            "url": central.url,
            "speed_up": 3_000.0,
            "meter_seconds": 0.05,
            "first_backoff_seconds": 0.05,
            **fields,
        }
    )


@asynccontextmanager
async def charger_at(central: CentralSystem, **fields: Any) -> AsyncIterator[Charger]:
    """A running charger with two DC connectors and no cars of its own."""
    charger = Charger(
        IDENTITY, MODELS[0], options(central, **fields), random.Random(1), charge_a_car
    )
    running = asyncio.create_task(charger.run())
    try:
        await central.wait_for(lambda: len(central.payloads("StatusNotification")) >= 3)
        yield charger
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def test_a_fleet_charges_cars_from_boot_to_stop() -> None:
    async with central_system() as central:
        fleet = Fleet(
            FleetOptions(
                charger=options(central, password="secret-of-16-chars"),
                chargers=3,
                sessions=1,
                connect_seconds=0,
                pause_seconds=(0, 0.05),
                fault_probability=1,
                fault_seconds=0.05,
                seed=1,
            )
        )
        report = await asyncio.wait_for(fleet.run(), 60)

        connectors = sum(hardware_of(number).connectors for number in (1, 2, 3))
        assert report.sessions_completed == connectors
        assert report.refusals == 0
        assert report.energy_wh > 0
        counts = central.counts()
        assert counts["BootNotification"] == 3
        assert counts["StartTransaction"] == counts["StopTransaction"] == connectors
        assert counts["Authorize"] == connectors
        tokens = [payload["idTag"] for payload in central.payloads("StartTransaction")]
        assert len(set(tokens)) == connectors, "each driver charges in one place"
        statuses = {payload["status"] for payload in central.payloads("StatusNotification")}
        assert {"Available", "Preparing", "Charging", "Finishing", "Faulted"} <= statuses

        request = central.handshakes[0].request
        assert request is not None
        basic = base64.b64encode(f"{request.path.rsplit('/', 1)[-1]}:secret-of-16-chars".encode())
        assert request.headers["Authorization"] == f"Basic {basic.decode()}"
        assert central.handshakes[0].subprotocol == "ocpp1.6"


async def test_energy_power_and_time_of_a_session_agree() -> None:
    async with central_system() as central, charger_at(central) as charger:
        await central.call(IDENTITY, "RemoteStartTransaction", {"idTag": "T", "connectorId": 1})
        await central.wait_for(lambda: bool(central.payloads("StopTransaction")), 30)

        (start,) = central.payloads("StartTransaction")
        (stop,) = central.payloads("StopTransaction")
        points = [(moment(start["timestamp"]), start["meterStart"])]
        for payload in central.payloads("MeterValues"):
            (value,) = payload["meterValue"]
            sampled = {v["measurand"]: Decimal(v["value"]) for v in value["sampledValue"]}
            assert set(sampled) >= {"Power.Active.Import", "Current.Import", "Voltage", "SoC"}
            register = int(sampled["Energy.Active.Import.Register"])
            points.append((moment(value["timestamp"]), register))
        points.append((moment(stop["timestamp"]), stop["meterStop"]))

        assert points[-1][0] - points[0][0] > timedelta(minutes=5)
        for (before, energy_before), (after, energy_after) in pairwise(points):
            assert after >= before
            hours = (after - before) / timedelta(hours=1)
            assert 0 <= energy_after - energy_before <= charger.hardware.power_w * hours + 2
        assert stop["meterStop"] - start["meterStart"] > 1_000


async def test_it_does_what_the_management_system_asks() -> None:
    async with central_system() as central, charger_at(central, speed_up=1.0) as charger:
        ask = central.call
        start = {"idTag": "T", "connectorId": 1}
        assert await ask(IDENTITY, "RemoteStartTransaction", start) == {"status": "Accepted"}
        assert await ask(IDENTITY, "RemoteStartTransaction", start) == {"status": "Rejected"}
        await central.wait_for(lambda: bool(central.payloads("MeterValues")))
        stop = {"transactionId": 1}
        assert await ask(IDENTITY, "RemoteStopTransaction", stop) == {"status": "Accepted"}
        await central.wait_for(lambda: bool(central.payloads("StopTransaction")))
        assert central.payloads("StopTransaction")[0]["reason"] == "Remote"
        assert await ask(IDENTITY, "RemoteStopTransaction", {"transactionId": 9}) == {
            "status": "Rejected"
        }

        answer = await ask(IDENTITY, "GetConfiguration", {"key": ["HeartbeatInterval", "Nope"]})
        assert answer["unknownKey"] == ["Nope"]
        assert answer["configurationKey"][0]["value"] == "60"
        for key, value, status in [
            ("HeartbeatInterval", "30", "Accepted"),
            ("HeartbeatInterval", "soon", "Rejected"),
            ("NumberOfConnectors", "9", "Rejected"),
            ("Nope", "1", "NotSupported"),
        ]:
            change = {"key": key, "value": value}
            assert await ask(IDENTITY, "ChangeConfiguration", change) == {"status": status}
        assert charger.configuration["HeartbeatInterval"] == "30"

        assert await ask(IDENTITY, "ClearCache", {}) == {"status": "Accepted"}
        assert await ask(IDENTITY, "UnlockConnector", {"connectorId": 2}) == {"status": "Unlocked"}
        transfer = {"vendorId": "Chao Phraya Power", "data": "ping"}
        assert await ask(IDENTITY, "DataTransfer", transfer) == {
            "status": "Accepted",
            "data": "ping",
        }
        assert (await ask(IDENTITY, "DataTransfer", {"vendorId": "X"}))["status"] == (
            "UnknownVendorId"
        )
        close = {"connectorId": 2, "type": "Inoperative"}
        assert await ask(IDENTITY, "ChangeAvailability", close) == {"status": "Accepted"}
        await central.wait_for(
            lambda: any(
                (p["connectorId"], p["status"]) == (2, "Unavailable")
                for p in central.payloads("StatusNotification")
            )
        )
        trigger = {"requestedMessage": "Heartbeat"}
        assert await ask(IDENTITY, "TriggerMessage", trigger) == {"status": "Accepted"}
        await central.wait_for(lambda: bool(central.payloads("Heartbeat")))
        trigger = {"requestedMessage": "FirmwareStatusNotification"}
        assert await ask(IDENTITY, "TriggerMessage", trigger) == {"status": "NotImplemented"}


async def test_a_reset_ends_the_session_and_boots_again() -> None:
    async with central_system() as central, charger_at(central, speed_up=1.0):
        await central.call(IDENTITY, "RemoteStartTransaction", {"idTag": "T"})
        await central.wait_for(lambda: bool(central.payloads("MeterValues")))
        assert await central.call(IDENTITY, "Reset", {"type": "Soft"}) == {"status": "Accepted"}
        await central.wait_for(lambda: len(central.payloads("BootNotification")) == 2)
        assert central.payloads("StopTransaction")[0]["reason"] == "SoftReset"


async def test_a_session_survives_a_lost_link() -> None:
    async with central_system() as central, charger_at(central, speed_up=1.0) as charger:
        await central.call(IDENTITY, "RemoteStartTransaction", {"idTag": "T"})
        await central.wait_for(lambda: bool(central.payloads("MeterValues")))
        await central.sockets[IDENTITY].close(1012)
        await central.wait_for(lambda: len(central.payloads("BootNotification")) == 2)
        before = len(central.payloads("MeterValues"))
        await central.wait_for(lambda: len(central.payloads("MeterValues")) > before)
        assert len(central.payloads("StartTransaction")) == 1
        assert charger.stop_transaction(1, "Local")
        await central.wait_for(lambda: bool(central.payloads("StopTransaction")))


async def test_a_refused_token_ends_the_session() -> None:
    async with central_system() as central, charger_at(central, speed_up=1.0):
        central.authorization = "Blocked"
        await central.call(IDENTITY, "RemoteStartTransaction", {"idTag": "T"})
        await central.wait_for(lambda: bool(central.payloads("StopTransaction")))
        assert central.payloads("StopTransaction")[0]["reason"] == "DeAuthorized"


@given(st.integers(0, 10_000), st.sampled_from(MODELS))
def test_a_battery_never_takes_more_than_it_may(seed: int, hardware: Any) -> None:
    car = arriving_car(random.Random(seed), hardware.power_w, is_dc=hardware.is_dc)
    planned = car.seconds_to_target()
    assert 0 < planned < 3 * 3600
    taken = 0.0
    room = (car.target_percent - car.soc_percent) / 100 * car.capacity_wh
    for _step in range(int(planned / 60) + 2):
        energy = car.charge(60)
        assert 0 <= energy <= hardware.power_w / 60
        taken += energy
    assert car.is_done
    assert abs(taken - room) < 2


def test_a_battery_draws_less_towards_full() -> None:
    powers = [Battery(60_000, soc, 100, 100_000).power_w for soc in (20, 80, 90, 99)]
    assert powers == [100_000, 100_000, 50_000, 12_000]


@pytest.mark.parametrize("url", ["ws://127.0.0.1:8000/ocpp", "wss://localhost/o", "ws://[::1]:1/o"])
def test_this_machine_is_a_target(url: str) -> None:
    check_target(url, allow_remote=False)


@pytest.mark.parametrize(
    "url", ["ws://csms.example.co.th/ocpp", "ws://10.0.0.1/", "ws://127.evil/"]
)
def test_another_machine_is_one_only_on_request(url: str) -> None:
    with pytest.raises(RemoteTargetRefused):
        check_target(url, allow_remote=False)
    check_target(url, allow_remote=True)
    with pytest.raises(CommandError, match="--allow-remote"):
        call_command("simulate", url=url)


def test_what_is_no_websocket_is_refused() -> None:
    with pytest.raises(RemoteTargetRefused):
        check_target("http://127.0.0.1/ocpp", allow_remote=True)


def test_the_commands_refuse_to_run_in_production(settings) -> None:
    settings.CSMS_ENVIRONMENT = "production"
    with pytest.raises(CommandError, match="production"):
        call_command("simulate", chargers=1)


def test_identities_are_numbered() -> None:
    assert identity_of("SIM-", 7) == "SIM-0007"
