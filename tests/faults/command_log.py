"""Every state that a command was ever in, noted by PostgreSQL itself."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tests.faults.wire import rows

# What a command that went out may end in.
FINAL = {"ACCEPTED", "REJECTED", "FAILED", "TIMED_OUT"}
WATCH = """
CREATE TABLE fault_transition (id bigserial, command uuid, is_now text);
CREATE FUNCTION fault_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO fault_transition (command, is_now) VALUES (NEW.id, NEW.status);
    RETURN NULL;
END $$;
CREATE TRIGGER fault_note AFTER UPDATE OF status ON chargepoints_command FOR EACH ROW
    WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION fault_note();
"""
UNWATCH = """
DROP TRIGGER fault_note ON chargepoints_command;
DROP FUNCTION fault_note;
DROP TABLE fault_transition;
"""


@contextmanager
def command_log(url: str) -> Iterator[None]:
    """Within, `histories` has every change of a command's state."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(WATCH)
    try:
        yield
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(UNWATCH)


def histories(url: str) -> dict[str, list[str]]:
    """By the command's id, the states that it took after QUEUED."""
    found: dict[str, list[str]] = defaultdict(list)
    query = "SELECT command::text, is_now FROM fault_transition ORDER BY id"
    for command, is_now in rows(url, query):
        found[command].append(is_now)
    return found
