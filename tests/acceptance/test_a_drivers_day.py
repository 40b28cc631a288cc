"""A driver's day over HTTP and WebSocket, from registering to closing the account.

Each step is a method of its own, in the order of the day.
"""

import asyncio
import csv
import io
import json
import re
import urllib.request
import zipfile
from typing import Any

import pytest
import websockets

from tests.acceptance.cars import Car, connected, soon
from tests.acceptance.installation import Client, Installation, Server, until

IDENTITY = "ACC-DRIVER"
PHONE, PASSWORD = "081 234 5678", "a-long-driver-password"
PUBLIC_CODE = """
from chargepoints.models import Station
print(Station.objects.get(identity="ACC-DRIVER").public_code)
"""
# What the worker does; here nobody else is in a hurry.
SEND_MESSAGES = """
from accounts.services import messages
from csms.common import clock
messages.deliver_due(clock.now())
"""
BUILD_EXPORTS = """
from accounts.models import DataExport
from accounts.services import data_exports
for export in DataExport.objects.all():
    data_exports.build(export.pk)
"""


class Day:
    """What the driver's app knows, step by step."""

    def __init__(self, installation: Installation, server: Server) -> None:
        self.server = server
        self.installation = installation
        (self.code,) = installation.manage("shell", "-c", PUBLIC_CODE).split()[-1:]
        self.app = Client(server, {})
        self.user_id = 0
        self.tariff_version = 0
        self.session: dict[str, Any] = {}
        self.ticket = ""

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        status, answer = await asyncio.to_thread(self.app.call, method, path, body, **headers)
        assert status < 300, answer
        return answer

    # --- the steps

    async def register(self) -> None:
        body = {"phone": PHONE, "password": PASSWORD, "language": "en"}
        asked = await self.call("POST", "/api/auth/register", body)
        await asyncio.to_thread(self.installation.manage, "shell", "-c", SEND_MESSAGES)
        (message,) = (self.installation.folder / "var" / "sms").glob("*.json")
        code = re.findall(r"\b\d{6}\b", json.loads(message.read_text())["text"])[0]
        body = {"verification_id": asked["verification_id"], "code": code}
        await self.call("POST", "/api/auth/verify", body)

    async def sign_in(self) -> None:
        body = {"phone": "+66812345678", "password": PASSWORD}
        opened = await self.call("POST", "/api/auth/login", body)
        renewed = await self.call("POST", "/api/auth/refresh", {"refresh": opened["refresh"]})
        self.app = Client(self.server, {"Authorization": f"Bearer {renewed['access']}"})
        self.user_id = opened["user"]["id"]

    async def find_nearby(self) -> None:
        found = await self.call("GET", "/api/chargepoints/nearby/13.7270/100.5440?radius_km=5")
        row = next(row for row in found["results"] if row["identity"] == self.code)
        assert row["is_online"]
        assert row["distance_km"] < 1

    async def look_at_the_price(self) -> None:
        shown = await self.call("GET", f"/api/chargepoints/{self.code}")
        tariff = shown["tariffs"][0]["tariff"]
        assert (tariff["price_per_kwh"], tariff["currency"]) == ("7.5000", "THB")
        self.tariff_version = tariff["version_id"]
        may = await self.call(
            "POST", "/api/transactions/authorize", {"identity": self.code, "evse_id": 1}
        )
        assert may["allowed"], may

    async def create(self) -> None:
        body = {"identity": self.code, "tariff_version_id": self.tariff_version}
        self.session = await self.call("POST", "/api/transactions/", body)
        assert self.session["state"] == "PENDING"

    async def open_feed(self, last_event_id: str = "") -> Any:
        made = await self.call("POST", f"/api/transactions/{self.session['id']}/live-ticket")
        self.ticket = made["ticket"]
        url = made["url"] + (f"&last_event_id={last_event_id}" if last_event_id else "")
        return await websockets.connect(url, close_timeout=2)

    async def start(self) -> None:
        """Twice, as somebody with cold fingers does."""
        path = f"/api/transactions/{self.session['id']}/start"
        answers = await asyncio.gather(
            *(self.call("POST", path, **{"Idempotency-Key": f"tap-{tap}"}) for tap in (1, 2))
        )
        assert answers[0]["start_request"]["id"] == answers[1]["start_request"]["id"]

    async def stop(self) -> None:
        number = self.session["transaction_id"]
        asked = await self.call("POST", f"/api/transactions/ocpp/{number}/stop")
        assert asked["stop_request"]["status"] in ("QUEUED", "SENT", "ACCEPTED")

    async def look_at_the_summary(self) -> None:
        found = await self.call("GET", f"/api/transactions/{self.session['id']}/summary")
        assert (found["state"], found["end_reason"], found["is_final"]) == ("ENDED", "Remote", True)
        assert (found["energy_wh"], found["total_gross"]) == (800, "6.00")
        assert (found["review"], found["payments"], found["documents"]) == ([], [], [])

    async def look_back(self) -> None:
        path = f"/api/transactions/user/{self.user_id}"
        (row,) = (await self.call("GET", path))["results"]
        assert (row["id"], row["total_gross"]) == (self.session["id"], "6.00")
        _heading, line = await asyncio.to_thread(self._file, path)
        assert line[0] == self.session["id"]

    async def take_the_data_along(self) -> None:
        asked = await self.call("POST", "/api/data-exports", {"password": PASSWORD})
        await asyncio.to_thread(self.installation.manage, "shell", "-c", BUILD_EXPORTS)
        ready = await self.call("GET", f"/api/data-exports/{asked['id']}")
        assert ready["state"] == "READY"
        content = await asyncio.to_thread(self._bytes, ready["file"])
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            texts = [archive.read(name).decode("utf-8-sig") for name in archive.namelist()]
        assert any(self.session["id"] in text for text in texts)
        assert not any(IDENTITY in text for text in texts), "T37: drivers know the code alone."

    async def leave(self) -> None:
        told = await self.call("POST", "/api/profile/deletion", {"password": PASSWORD})
        assert "charging_sessions" in {kept["kind"] for kept in told["kept"]}
        path = f"/api/transactions/{self.session['id']}/summary"
        status, _answer = await asyncio.to_thread(self.app.call, "GET", path)
        assert status == 401
        body = {"phone": PHONE, "password": PASSWORD}
        status, _answer = await asyncio.to_thread(self.app.call, "POST", "/api/auth/login", body)
        assert status == 401

    def _bytes(self, path: str) -> bytes:
        request = urllib.request.Request(self.server.base + path, headers=self.app.headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return bytes(answer.read())

    def _file(self, path: str) -> list[list[str]]:
        headers = {**self.app.headers, "Accept": "text/csv"}
        request = urllib.request.Request(self.server.base + path, headers=headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return list(csv.reader(io.StringIO(answer.read().decode("utf-8-sig"))))


async def shown(feed: Any, **expected: Any) -> Any:
    """The first event that shows this; the feed may say other things before."""
    async with asyncio.timeout(15):
        while True:
            event = json.loads(await feed.recv())
            data = event.get("data")
            if data is not None and all(data[name] == value for name, value in expected.items()):
                return event


async def charge(day: Day, car: Car) -> None:
    """Start, watch, lose the connection, come back, stop."""
    feed = await day.open_feed()
    await shown(feed, state="PENDING")
    await day.start()
    await soon(car.has_started)
    running = await shown(feed, state="ACTIVE")
    assert running["data"]["transaction_id"] == str(car.transaction_id)
    await car.measure(1_000_300)
    measured = await shown(feed, energy_wh=300)
    assert measured["data"]["price"]["gross"] == "2.25"
    await feed.close()
    await car.measure(1_000_500)
    feed = await day.open_feed(measured["id"])
    missed = await shown(feed, energy_wh=500)
    assert missed["id"] > measured["id"]
    car.register = 1_000_800
    await day.stop()
    await soon(car.has_stopped)
    last = await shown(feed, state="ENDED", is_final=True)
    assert last["data"]["price"]["gross"] == "6.00"
    await feed.close()


async def test_a_driver_s_day(installation: Installation, server: Server) -> None:
    day = await asyncio.to_thread(Day, installation, server)
    async with connected(server, IDENTITY) as car:
        await car.boot()
        car.register = 1_000_000
        await asyncio.to_thread(until, lambda: is_online(day), "the charger")
        await day.register()
        await day.sign_in()
        await day.find_nearby()
        await day.look_at_the_price()
        await day.create()
        await charge(day, car)
        assert [told.split()[0] for told in car.told] == ["start", "stop"]
    await day.look_at_the_summary()
    await day.look_back()
    await the_ticket_is_spent_and_nowhere_written(day)
    await day.take_the_data_along()
    await day.leave()


def is_online(day: Day) -> bool:
    return bool(day.app.get(f"/api/chargepoints/{day.code}")["is_online"])


async def the_ticket_is_spent_and_nowhere_written(day: Day) -> None:
    address = f"ws://127.0.0.1:{day.server.port}/ws/live/?ticket={day.ticket}"
    with pytest.raises(websockets.InvalidStatus) as refusal:
        await websockets.connect(address)
    assert refusal.value.response.status_code == 401
    log = day.server.log.read_text()
    assert day.ticket not in log
    assert "live-ticket" in log, "Nothing is logged at all."
