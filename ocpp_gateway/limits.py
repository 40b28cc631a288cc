"""How often who may try to get in, and how many of one address at once.

A site of 200 chargers has one address, and a carrier shows thousands under one. So no charger pays
for another one's mistakes: wrong passwords count for one identity from one address, and of what
one address has under way the rest waits its turn and is not refused. With n neighbours that fail in
a loop, each of which has one handshake open at a time, a charger waits for n handshakes at most.
All addresses together leave threads to the chargers that are there.
"""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

WINDOW: Final = timedelta(minutes=1)
MOST_KEYS: Final = 20_000
# Wrong passwords for one station from one address. Not from all: a stranger must not be able to
# lock a charger out.
MOST_WRONG_PASSWORDS: Final = 10
# Refusals of any kind that one address gets. Beyond, it does not learn any more which identities
# there are; who has the right credentials is let in all the same.
MOST_REFUSALS: Final = 100
# Handshakes of one address that wait. Each holds a socket, and 5,000 may come at once.
MOST_WAITING: Final = 8_000


class TooManyWaiting(Exception):
    """The address has more handshakes open than can be meant."""


class Tally:
    """Counts by key within a window that begins with the key's first event. For any thread."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._counts: dict[Hashable, tuple[datetime, int]] = {}

    def is_spent(self, key: Hashable, at: datetime) -> bool:
        since, count = self._counts.get(key, (at, 0))
        return count >= self._most and at - since < WINDOW

    def count(self, key: Hashable, at: datetime) -> bool:
        """Count one; whether `most` were counted before it."""
        since, count = self._counts.get(key, (at, 0))
        if at - since >= WINDOW:
            since, count = at, 0
        if len(self._counts) >= MOST_KEYS:
            self._counts.clear()
        self._counts[key] = (since, count + 1)
        return count >= self._most

    def forget(self, key: Hashable) -> None:
        self._counts.pop(key, None)

    def clear(self) -> None:
        self._counts.clear()


wrong_passwords = Tally(MOST_WRONG_PASSWORDS)
refusals = Tally(MOST_REFUSALS)


class Gate:
    """Lets so many handshakes of one address through at a time, first come, first served.

    Of all addresses so many as `everybody` admits. In one event loop.
    """

    def __init__(
        self, most: int, everybody: asyncio.Semaphore, most_waiting: int = MOST_WAITING
    ) -> None:
        self._most = most
        self._everybody = everybody
        self._most_waiting = most_waiting
        self._lanes: dict[str, asyncio.Semaphore] = {}
        self._present: dict[str, int] = {}

    @asynccontextmanager
    async def passage(self, address: str) -> AsyncIterator[None]:
        """Wait for the address' turn; `TooManyWaiting` at once if too many wait already."""
        present = self._present.get(address, 0)
        if present >= self._most + self._most_waiting:
            raise TooManyWaiting
        lane = self._lanes.setdefault(address, asyncio.Semaphore(self._most))
        self._present[address] = present + 1
        try:
            async with lane, self._everybody:
                yield
        finally:
            self._present[address] -= 1
            if not self._present[address]:
                del self._present[address], self._lanes[address]
