"""Few threads that read for people, so that they never take the gateway's."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connection

Call = Callable[[Callable[..., Any]], Callable[..., Any]]


def in_threads(name: str, size: int) -> Call:
    """A wrapper that runs a function in one of `size` threads, which gives its connection back."""
    executor = ThreadPoolExecutor(max_workers=size, thread_name_prefix=name)

    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            try:
                return function(*arguments)
            finally:
                connection.close()

        return sync_to_async(call, thread_sensitive=False, executor=executor)

    return wrap
