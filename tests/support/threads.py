"""The same work many times at once, each on a database connection of its own."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier, Event
from time import monotonic
from typing import TypeVar

from django.db import connection, transaction

Result = TypeVar("Result")


def in_threads(count: int, work: Callable[[int], Result]) -> list[Result]:
    """`work` in `count` threads that start together, each on a connection of its own."""
    barrier = Barrier(count)

    def run(number: int) -> Result:
        try:
            barrier.wait(30)
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@contextmanager
def meanwhile(work: Callable[[], object]) -> Iterator[None]:
    """`work` is done in a transaction of another connection, which stays open until the end."""
    is_done, may_end = Event(), Event()

    def run() -> None:
        try:
            with transaction.atomic():
                work()
                is_done.set()
                may_end.wait(30)
        finally:
            is_done.set()
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(run)
        assert is_done.wait(30)
        try:
            yield
        finally:
            may_end.set()
        other.result(30)


def waits_for_a_lock() -> bool:
    """Whether somebody in this database waits for a lock of a row (PostgreSQL)."""
    with connection.cursor() as cursor:
        # In a transaction the view stays as it was at the first look.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock')"
        )
        return bool(cursor.fetchone()[0])


def until_one_waits_for_a_lock(patience_seconds: float = 30) -> None:
    """Return as soon as somebody does; `AssertionError` if nobody comes to that."""
    deadline = monotonic() + patience_seconds
    while not waits_for_a_lock():
        assert monotonic() < deadline, "Nobody waits for a lock."
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.01)")
