"""Threads for database work, bounded in number, that keep their connection between calls."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import connection

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class DatabaseThreads:
    """A bounded pool for calls that use the database.

    Each thread keeps its connection: fetching one from psycopg's pool and giving it back costs
    more than a short query. A connection that failed is given up, so that the next call gets a
    fresh one.
    """

    def __init__(self, name: str, size: int) -> None:
        self._size = size
        self._executor = ThreadPoolExecutor(size, thread_name_prefix=name)

    async def call(
        self,
        function: Callable[Arguments, Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._executor, lambda: _with_connection(lambda: function(*args, **kwargs))
        )

    def close(self) -> None:
        """Give every thread's connection back and end the threads. Blocks until they are idle."""
        everybody = threading.Barrier(self._size)

        def leave() -> None:
            connection.close()
            # Without waiting one idle thread could take two of these calls.
            everybody.wait(timeout=10)

        for farewell in [self._executor.submit(leave) for _thread in range(self._size)]:
            farewell.result()
        self._executor.shutdown()


def _with_connection(function: Callable[[], Result]) -> Result:
    try:
        return function()
    finally:
        if connection.errors_occurred:
            connection.close()
