"""The telemetry lane: group commit.

What all sockets of the process deliver within a few milliseconds is written in one transaction, and
only then is each charger answered: durable acknowledgement at the price of one commit per batch.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction

from chargepoints.domain.reports import StatusReport
from chargepoints.services.status import report_statuses
from ocpp_gateway.services.archive import ArchiveRow, store_messages
from ocpp_gateway.threads import DatabaseThreads
from transactions.domain.inputs import Readings
from transactions.selectors.reading_targets import Place, ReadingTargets
from transactions.services.interrupt import resume_by
from transactions.services.readings import ReadingRow, reading_rows, store_readings

logger = structlog.get_logger(__name__)
# How long a batch gathers. A commit costs about as much, so waiting less would not answer sooner.
GATHER_SECONDS = 0.002
# How long what nobody waits for may gather: a commit for each heartbeat's two lines would be most
# of what an idle charger costs.
UNHURRIED_GATHER_SECONDS = 0.1
PAUSE_AFTER_OUTAGE_SECONDS = 0.5


class Item:
    """What one frame leaves behind. `done` is None where nobody waits for the commit.

    `is_in_doubt`: the readings may be of a session that a boot interrupted.
    """

    __slots__ = ("archive", "done", "is_in_doubt", "readings", "station_id", "status")

    def __init__(
        self,
        station_id: int,
        archive: ArchiveRow | None = None,
        readings: Readings | None = None,
        status: StatusReport | None = None,
        is_in_doubt: bool = False,
    ) -> None:
        self.station_id = station_id
        self.archive = archive
        self.readings = readings
        self.status = status
        self.is_in_doubt = is_in_doubt
        self.done: asyncio.Future[None] | None = None


class TelemetryWriter:
    """Collects items in the event loop and writes them in batches, each in one of its threads.

    With several `writers` one batch gathers while another is on its way to the disk. Two batches
    never hold items of which a charger waits for one before it sends the other, so each charger's
    order is kept.

    Bounded: while it is full, sockets wait in `room` and are not read. If the database is down,
    items that somebody waits for fail at once, archive rows are kept as far as there is room.
    """

    def __init__(self, *, capacity: int, batch_size: int, writers: int = 1) -> None:
        self._capacity = capacity
        self._batch_size = batch_size
        self._items: deque[Item] = deque()
        self._arrived = asyncio.Event()
        self._is_awaited = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._gathering = asyncio.Lock()
        self._threads = [DatabaseThreads("telemetry", 1) for _writer in range(writers)]
        self.tasks: list[asyncio.Task[None]] = []
        self._is_stopping = False
        self._is_down = False
        self._lost_rows = 0

    def start(self) -> None:
        self.tasks = [
            asyncio.create_task(self._run(thread, BatchWriter()), name="telemetry")
            for thread in self._threads
        ]

    async def stop(self) -> None:
        """Write what is left, then end."""
        self._is_stopping = True
        self._arrived.set()
        self._is_awaited.set()
        await asyncio.gather(*self.tasks)
        for thread in self._threads:
            await asyncio.to_thread(thread.close)

    def __len__(self) -> int:
        """How many items wait to be written."""
        return len(self._items)

    @property
    def is_full(self) -> bool:
        return len(self._items) >= self._capacity

    async def room(self) -> None:
        """Wait until there is room, but not for a database that is down: chargers stay served."""
        while self.is_full and not self._is_down:
            self._has_room.clear()
            await self._has_room.wait()

    def archive(self, row: ArchiveRow) -> None:
        """Leave `row` for one of the next batches; nobody is told if there is no room for it."""
        if self._is_down and self.is_full:
            self._lost_rows += 1
            return
        self._put(Item(row.station_id, row))

    def submit(self, item: Item) -> "asyncio.Future[None]":
        """Return a future that is done once `item` is committed, and fails if it cannot be."""
        item.done = done = asyncio.get_running_loop().create_future()
        if self._is_down and self.is_full:
            done.set_exception(OperationalError("The database is down, and the queue is full."))
            return done
        self._put(item)
        if not self._is_awaited.is_set():
            self._is_awaited.set()
        return done

    def _put(self, item: Item) -> None:
        self._items.append(item)
        if not self._arrived.is_set():
            self._arrived.set()
        if len(self._items) >= self._batch_size or self.is_full:
            self._is_awaited.set()

    async def _run(self, thread: DatabaseThreads, batches: "BatchWriter") -> None:
        while True:
            async with self._gathering:
                batch = await self._gather()
            if batch is None:
                return
            if batch:
                await self._write(batch, thread, batches)
            if not self.is_full:
                self._has_room.set()

    async def _gather(self) -> list[Item] | None:
        """The next batch; None when there is nothing left to write and nothing will come."""
        if not self._items:
            if self._is_stopping:
                return None
            self._arrived.clear()
            await self._arrived.wait()
        if not self._is_awaited.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(UNHURRIED_GATHER_SECONDS):
                    await self._is_awaited.wait()
        if not self._is_stopping:
            await asyncio.sleep(GATHER_SECONDS)
        size = min(len(self._items), self._batch_size)
        batch = [self._items.popleft() for _item in range(size)]
        if not self._items and not self._is_stopping:
            self._is_awaited.clear()
        return batch

    async def _write(
        self, batch: list[Item], thread: DatabaseThreads, batches: "BatchWriter"
    ) -> None:
        try:
            culprits = await thread.call(batches.write, batch)
        except Exception as error:
            # As a rule the database is down. Whatever it is, the lane has to go on: every charger
            # of the process waits for it.
            self._keep_archive(batch, error)
            if not self._is_stopping:
                await asyncio.sleep(PAUSE_AFTER_OUTAGE_SECONDS)
            return
        if self._is_down:
            self._is_down = False
            logger.info("telemetry_database_is_back")
        for item in batch:
            done = item.done
            if done is not None and not done.done():
                if item in culprits:
                    done.set_exception(culprits[item])
                else:
                    done.set_result(None)

    def _keep_archive(self, batch: list[Item], error: Exception) -> None:
        self._is_down = True
        self._has_room.set()
        is_outage = isinstance(error, OperationalError | InterfaceError)
        failed = list(batch)
        if is_outage:
            # Each attempt takes seconds: who waits behind this batch hears of it now.
            failed += (item for item in self._items if item.done is not None)
            self._items = deque(item for item in self._items if item.done is None)
        for item in failed:
            if item.done is not None and not item.done.done():
                item.done.set_exception(error)
        rows = [item for item in batch if item.done is None]
        room = 0 if self._is_stopping else max(0, self._capacity - len(self._items))
        self._items.extendleft(reversed(rows[:room]))
        lost, self._lost_rows = max(0, len(rows) - room) + self._lost_rows, 0
        # Another writer may sleep although there are rows again.
        self._arrived.set()
        logger.error(
            "telemetry_database_is_down" if is_outage else "telemetry_batch_not_written",
            error=str(error),
            items=len(failed),
            archive_rows_lost=lost,
            exc_info=None if is_outage else error,
        )


class BatchWriter:
    """Writes batches, one at a time, in whatever thread it is called."""

    def __init__(self) -> None:
        self._targets = ReadingTargets()

    def write(self, items: Sequence[Item]) -> dict[Item, Exception]:
        """Write `items` in one transaction; return those that cannot be written, and why.

        One bad item must not take the others with it: a batch that fails is halved until the
        culprit stands alone. Raises OperationalError or InterfaceError if the database is down.
        """
        try:
            self._write_all(items)
        except (OperationalError, InterfaceError):
            if not _is_usable():
                raise
            return self._halve(items)
        except Exception as error:
            if len(items) > 1:
                return self._halve(items)
            return self._give_up(items[0], error)
        return {}

    def _halve(self, items: Sequence[Item]) -> dict[Item, Exception]:
        if len(items) == 1:
            return self._retry_alone(items[0])
        middle = len(items) // 2
        return {**self.write(items[:middle]), **self.write(items[middle:])}

    def _retry_alone(self, item: Item) -> dict[Item, Exception]:
        try:
            self._write_all([item])
        except Exception as error:
            if not _is_usable():
                raise
            return self._give_up(item, error)
        return {}

    @staticmethod
    def _give_up(item: Item, error: Exception) -> dict[Item, Exception]:
        logger.error("telemetry_item_not_written", station_id=item.station_id, exc_info=error)
        return {item: error}

    def _write_all(self, items: Sequence[Item]) -> None:
        archive = [item.archive for item in items if item.archive is not None]
        readings = [(item.station_id, item.readings) for item in items if item.readings is not None]
        statuses = [(item.station_id, item.status) for item in items if item.status is not None]
        with transaction.atomic():
            if statuses:
                report_statuses(statuses)
            if readings:
                rows = self._rows(readings)
                store_readings(rows)
                in_doubt = {item.station_id for item in items if item.is_in_doubt}
                if in_doubt:
                    resume_by([row for row in rows if row.station_id in in_doubt])
            store_messages(archive)

    def _rows(self, items: Sequence[tuple[int, Readings]]) -> list[ReadingRow]:
        places = [
            Place(station_id, found.evse_id, found.connector_id, found.transaction_id)
            for station_id, found in items
        ]
        targets = self._targets.resolve(places)
        rows: list[ReadingRow] = []
        for place, (station_id, found) in zip(places, items, strict=True):
            connector_id, session_id = targets[place]
            rows += reading_rows(
                station_id, connector_id, session_id, found.received_at, found.readings
            )
        return rows


def _is_usable() -> bool:
    """Whether the failure was the batch's own (a lock, a time-out) and not the database's."""
    if connection.connection is None:
        return False
    is_usable: Callable[[], bool] = connection.is_usable
    return is_usable()
