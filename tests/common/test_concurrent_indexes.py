"""Indexes that are built while their table is in use."""

from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection

from csms.common.concurrent_indexes import build

pytestmark = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="only PostgreSQL builds indexes concurrently"
)
NAMES = [
    "session_to_expire",
    "session_one_awaited_per_connector",
    "session_one_awaited_per_driver",
    "session_once_per_start_command",
    "session_once_per_stop_command",
]


@pytest.mark.django_db
def test_sessions_can_be_written_while_they_get_their_indexes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call_command("sqlmigrate", "transactions", "0006")
    statements = [line for line in capsys.readouterr().out.splitlines() if line[:2] != "--"]
    assert len(statements) == len(NAMES), "nothing else, and no transaction"
    for name, statement in zip(NAMES, statements, strict=True):
        assert f'INDEX CONCURRENTLY "{name}" ON "transactions_session"' in statement
        assert statement.startswith("CREATE UNIQUE") == (name != "session_to_expire")


@pytest.fixture
def table(transactional_db: None) -> Iterator[str]:
    """Its two rows are equal, until one of them is deleted."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE probe (value int)")
        cursor.execute("INSERT INTO probe VALUES (1), (1)")
    yield "probe"
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE probe")


def test_what_failed_half_way_is_built_anew_and_once(table: str) -> None:
    statement = f'CREATE UNIQUE INDEX "probe_once" ON {table} (value)'

    def attempt() -> None:
        with connection.schema_editor(atomic=False) as editor:
            build(editor, "probe_once", statement)

    with pytest.raises(IntegrityError):
        attempt()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM probe WHERE ctid = (SELECT min(ctid) FROM probe)")
        attempt()
        validity = "SELECT indexrelid, indisvalid FROM pg_index WHERE indrelid = 'probe'::regclass"
        cursor.execute(validity)
        built = cursor.fetchall()
        assert [is_valid for _index, is_valid in built] == [True]
        attempt()
        cursor.execute(validity)
        assert cursor.fetchall() == built


def test_nothing_but_an_index(table: str) -> None:
    with connection.schema_editor(atomic=False) as editor, pytest.raises(ValueError, match="DROP"):
        build(editor, "x", "DROP TABLE probe")
