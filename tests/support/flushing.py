"""Emptying the database after a test that committed: most of the time of a small test otherwise.

Django truncates every table, each partition and index of which gets a new file on the disk, and
then makes all content types and permissions anew. A test leaves a few rows in a few tables:
deleting these is far cheaper, and what migrating made once can stay.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from django.core.management.commands import flush
from django.db import connection

# Made by migrating, and the same for ever.
KEPT = frozenset({"django_content_type", "auth_permission"})


@contextmanager
def cheap_flush() -> Iterator[None]:
    """Within it, the `flush` after a test deletes rows and keeps what is made by migrating."""
    operations = type(connection.ops)
    with (
        mock.patch.object(flush, "emit_post_migrate_signal"),
        mock.patch.object(operations, "sql_flush", _delete_statements),
    ):
        yield


def _delete_statements(
    operations: Any, _style: Any, tables: list[str], **_options: Any
) -> list[str]:
    """In one transaction; Django's foreign keys are checked at its end."""
    quoted = [operations.quote_name(name) for name in tables if name not in KEPT]
    deletes = [f"DELETE FROM {name};" for name in quoted]
    if connection.vendor == "postgresql":
        return [f"DO $$ BEGIN {' '.join(deletes)} END $$"]
    return deletes
