"""The telemetry lane: group commit.

What all sockets of the process deliver within a few milliseconds is written in one transaction, and
only then is each charger answered: durable acknowledgement at the price of one commit per batch.
"""

import asyncio
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
    """Collects items in the event loop and writes them in batches in a thread of its own.

    Bounded: while it is full, sockets wait in `room` and are not read. If the database is down,
    items that somebody waits for fail, archive rows are kept as far as there is room.
    """

    def __init__(self, *, capacity: int, batch_size: int) -> None:
        self._capacity = capacity
        self._batch_size = batch_size
        self._items: deque[Item] = deque()
        self._arrived = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._thread = DatabaseThreads("telemetry", 1)
        self._batches = BatchWriter()
        self._task: asyncio.Task[None] | None = None
        self._is_stopping = False
        self._is_down = False

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="telemetry")

    async def stop(self) -> None:
        """Write what is left, then end."""
        self._is_stopping = True
        self._arrived.set()
        if self._task is not None:
            await self._task
        await asyncio.to_thread(self._thread.close)

    @property
    def is_full(self) -> bool:
        return len(self._items) >= self._capacity

    async def room(self) -> None:
        """Wait until there is room, but not for a database that is down: chargers stay served."""
        while self.is_full and not self._is_down:
            self._has_room.clear()
            await self._has_room.wait()

    def archive(self, row: ArchiveRow) -> None:
        """Leave `row` for one of the next batches."""
        self._put(Item(row.station_id, row))

    def submit(self, item: Item) -> "asyncio.Future[None]":
        """Return a future that is done once `item` is committed, and fails if it cannot be."""
        item.done = done = asyncio.get_running_loop().create_future()
        self._put(item)
        return done

    def _put(self, item: Item) -> None:
        self._items.append(item)
        if not self._arrived.is_set():
            self._arrived.set()

    async def _run(self) -> None:
        while True:
            if not self._items:
                if self._is_stopping:
                    return
                self._arrived.clear()
                await self._arrived.wait()
            if not self._is_stopping:
                await asyncio.sleep(GATHER_SECONDS)
            size = min(len(self._items), self._batch_size)
            batch = [self._items.popleft() for _item in range(size)]
            if batch:
                await self._write(batch)
            if not self.is_full:
                self._has_room.set()

    async def _write(self, batch: list[Item]) -> None:
        try:
            culprits = await self._thread.call(self._batches.write, batch)
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
        for item in batch:
            if item.done is not None and not item.done.done():
                item.done.set_exception(error)
        rows = [item for item in batch if item.done is None]
        room = 0 if self._is_stopping else max(0, self._capacity - len(self._items))
        self._items.extendleft(reversed(rows[:room]))
        lost = max(0, len(rows) - room)
        is_outage = isinstance(error, OperationalError | InterfaceError)
        logger.error(
            "telemetry_database_is_down" if is_outage else "telemetry_batch_not_written",
            error=str(error),
            items=len(batch),
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
