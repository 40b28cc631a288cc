"""The words of a search: where they are looked for, and that an index finds them."""

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.management.base import CommandError
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from chargepoints.models import Site, Station
from chargepoints.selectors.stations import StationFilters, filtered, visible_to
from tests.support.factories import make_site, make_station

indexes: Any = import_module("chargepoints.migrations.0013_search_indexes")


def found(q: str, **options: Any) -> list[str]:
    stations = filtered(visible_to(AnonymousUser()), StationFilters(q=q), **options)
    return sorted(station.identity for station in stations)


@pytest.mark.django_db
def test_each_word_is_looked_for_in_every_text_of_station_and_site() -> None:
    site = make_site(
        name="Hotel Blue",
        name_th="โรงแรมสีฟ้า",
        address="12 Rama IV Road",
        district="Pathum Wan",
        province="Bangkok",
    )
    station = make_station("OURS-1", site=site, name="North gate")
    make_station("OTHER-2", site=make_site(name="Mall", province="Phuket"), name="South gate")
    for text in ("hotel", "สีฟ้า", "RAMA iv", "pathum", "bang", "north GATE", "gate hotel bangkok"):
        assert found(text) == ["OURS-1"], text
    assert found(station.public_code.lower()) == ["OURS-1"]
    assert found("gate") == ["OTHER-2", "OURS-1"]
    # A word ends where the text of a column does; of the identity only those know who may.
    for text in ("BlueBangkok", "WanBangkok", "hotel phuket", "OURS", "_otel", "h%l"):
        assert found(text) == [], text
    assert found("ours", known_by="identity") == ["OURS-1"]


@pytest.mark.django_db
@pytest.mark.postgresql
@pytest.mark.skipif(connection.vendor != "postgresql", reason="plans of PostgreSQL only")
def test_postgresql_finds_words_by_its_indexes() -> None:
    make_station("CP")
    with CaptureQueriesContext(connection) as queries:
        found("hotel", known_by="identity")
    (asked,) = queries
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {asked['sql']}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    for name in indexes._INDEXES:
        assert f"Bitmap Index Scan on {name}" in plan, plan
    assert {table for table, _text in indexes._INDEXES.values()} == {
        Site._meta.db_table,
        Station._meta.db_table,
    }


def test_a_role_that_may_not_create_the_extension_hears_what_to_do() -> None:
    def execute(statement: str, **_options: Any) -> None:
        raise DatabaseError('permission denied to create extension "pg_trgm"')

    editor = SimpleNamespace(connection=SimpleNamespace(vendor="postgresql"), execute=execute)
    with pytest.raises(CommandError, match="CREATE EXTENSION pg_trgm;"):
        indexes.create(None, editor)
    editor.connection.vendor = "sqlite"
    indexes.create(None, editor)
