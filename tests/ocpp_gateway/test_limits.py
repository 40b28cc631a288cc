"""Limits per identity and per address that leave a large site behind one address working."""

import asyncio
import re
import threading
from datetime import timedelta
from unittest import mock

import pytest
from django.conf import settings

from chargepoints.models import Station, StationAnomaly
from csms.common import clock
from ocpp_gateway import consumer, limits
from ocpp_gateway.limits import Gate, Tally, TooManyWaiting
from tests.ocpp_gateway.servers import GatewayServer, charger, refused
from tests.support.factories import make_station
from tests.support.threads import in_threads

SITE = 40


def test_case_13_half_of_a_site_fails_in_a_loop_and_the_other_half_gets_in(
    server: GatewayServer,
) -> None:
    """The site has one address. Nobody who is right is refused even once."""
    everybody = [make_station() for _number in range(SITE)]
    everybody_is_at_it = threading.Barrier(SITE)

    def arrive(number: int) -> set[int | str]:
        station = everybody[number]
        if number % 2:
            seen: set[int | str] = set()
            for attempt in range(20):
                if attempt == 12:  # the address has had more refusals than it is told of
                    everybody_is_at_it.wait(60)
                forged = {"X-Forwarded-For": f"203.0.113.{attempt}"}
                seen.add(refused(server, station, password="wrong-password-12", headers=forged))
            return seen
        everybody_is_at_it.wait(60)
        with charger(server, station) as socket:
            status: str = socket.boot()["status"]
            return {status}

    outcomes = in_threads(SITE, arrive)
    assert outcomes[::2] == [{"Accepted"}] * (SITE // 2)
    assert all(outcome <= {401, 429} for outcome in outcomes[1::2])
    assert set().union(*outcomes[1::2]) == {401, 429}
    written = StationAnomaly.objects.filter(kind="refused: wrong_password")
    assert sum(row.count for row in written) == limits.MOST_REFUSALS


def test_who_has_guessed_enough_is_refused_before_the_database(
    server: GatewayServer, station: Station
) -> None:
    for _time in range(limits.MOST_WRONG_PASSWORDS):
        assert refused(server, station, password="wrong-password-12") == 401
    # In no spelling, and also with the right one: else guessing would go on unseen.
    with mock.patch.object(consumer, "admit", wraps=consumer.admit) as admit:
        assert refused(server, station, password="wrong-password-12") == 429
        assert refused(server, station, path="/ocpp/th-bkk-0001/") == 429
        assert not admit.called
        with charger(server, make_station()) as other:
            other.boot()
        assert admit.called


async def test_one_address_waits_for_itself_and_for_nobody_else() -> None:
    gate = Gate(2, asyncio.Semaphore(10), most_waiting=3)
    order: list[str] = []
    are_through, leave = asyncio.Event(), asyncio.Event()

    async def pass_through(address: str, name: str) -> None:
        async with gate.passage(address):
            order.append(name)
            if len(order) == 3:
                are_through.set()
            await leave.wait()

    crowd = [asyncio.create_task(pass_through("site", str(number))) for number in range(5)]
    other = asyncio.create_task(pass_through("elsewhere", "other"))
    await are_through.wait()
    assert order == ["0", "1", "other"]
    with pytest.raises(TooManyWaiting):
        await pass_through("site", "one too many")
    crowd[2].cancel()  # it left while it waited
    leave.set()
    await asyncio.gather(*crowd, other, return_exceptions=True)
    assert order == ["0", "1", "other", "3", "4"]
    await pass_through("site", "later")
    assert not gate._lanes
    assert not gate._present


async def test_all_addresses_together_get_no_more_than_their_share() -> None:
    gate, under_way, most = Gate(2, asyncio.Semaphore(3)), 0, 0

    async def pass_through(address: str) -> None:
        nonlocal under_way, most
        async with gate.passage(address):
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0)
            under_way -= 1

    await asyncio.gather(*(pass_through(f"site {number % 5}") for number in range(20)))
    assert (under_way, most) == (0, 3)


def test_a_tally_begins_anew_after_its_window() -> None:
    tally, at = Tally(2), clock.now()
    assert [tally.count("a", at) for _time in range(3)] == [False, False, True]
    assert tally.is_spent("a", at)
    assert not tally.is_spent("b", at)
    later = at + limits.WINDOW
    assert tally.is_spent("a", later - timedelta(microseconds=1))
    assert not tally.is_spent("a", later)
    assert not tally.count("a", later)
    tally.forget("a")
    assert not tally.is_spent("a", later)


def test_nginx_lets_through_as_many_sockets_of_one_address_as_may_wait() -> None:
    configuration = (settings.BASE_DIR / "docker" / "nginx.conf").read_text()
    most = [int(n) for n in re.findall(r"limit_conn sockets (\d+);", configuration)]
    assert len(most) == 3
    assert all(n >= limits.MOST_WAITING for n in most)
