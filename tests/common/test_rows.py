"""Rows written and read by prepared text are the rows that Django writes and reads."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, models, transaction

from chargepoints.models import Connector, Station
from csms.common import rows
from tests.support.factories import make_station, make_tariff
from transactions.models import CostLine, Session, SessionEvent, TariffVersion, TariffWindow

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 1, 17, 30, 0, 123456, tzinfo=UTC)


def same_as_django(stored: models.Model) -> models.Model:
    """What `rows` reads for a stored object, field for field what Django reads."""
    model = type(stored)
    statement = (
        f"SELECT {rows.columns(model, 'one')} FROM {model._meta.db_table} AS one "
        f"WHERE {model._meta.pk.column} = %s"
    )
    key = model._meta.pk.get_db_prep_value(stored.pk, connection)
    (row,) = rows.fetch_all(statement, [key])
    assert len(row) == rows.width(model)
    read = rows.instance(model, row)
    expected = model._default_manager.get(pk=stored.pk)
    for field in model._meta.concrete_fields:
        found, wanted = getattr(read, field.attname), getattr(expected, field.attname)
        assert (found, type(found)) == (wanted, type(wanted)), field.name
    assert (read._state.adding, read._state.db) == (False, "default")
    return read


def new_session(station: Station, **fields: Any) -> Session:
    return Session(
        station=station,
        connector=Connector.objects.get(evse__station=station),
        state="ACTIVE",
        started_at=AT,
        **fields,
    )


def new_line(session: Session, position: int) -> CostLine:
    return CostLine(
        session=session,
        position=position,
        kind="ENERGY",
        starts_at=AT,
        ends_at=AT,
        quantity=Decimal("1.2340"),
        unit="kWh",
        unit_price=Decimal("7.5000"),
        net=Decimal("8.65"),
        tax=Decimal("0.61"),
        gross=Decimal("9.26"),
    )


def test_objects_are_inserted_with_their_defaults_and_get_their_keys() -> None:
    station = make_station()
    session = new_session(station, total_gross=None)
    rows.insert([session])
    assert session.pk is not None
    assert session.created_at is not None  # what Django adds by itself when it saves
    same_as_django(session)
    event = SessionEvent(session=session, at=AT, kind="started", detail={"ยาว": [1, None]})
    rows.insert([event])
    assert same_as_django(event).detail == {"ยาว": [1, None]}  # type: ignore[attr-defined]
    lines = [new_line(session, position) for position in (1, 2, 3)]
    rows.insert(lines)
    rows.insert([])
    assert [(line.pk, line.position) for line in lines] == list(
        CostLine.objects.values_list("pk", "position")
    )
    for line in lines:
        same_as_django(line)


def test_named_fields_are_updated_and_no_others() -> None:
    session = new_session(make_station())
    session.save()
    session.total_net, session.total_tax = Decimal("8.65"), Decimal("0.61")
    session.total_gross, session.ended_at, session.energy_wh = Decimal("9.26"), AT, 1_234
    session.end_reason = "not named"
    rows.update(session, ("total_net", "total_tax", "total_gross", "ended_at", "energy_wh"))
    read = Session.objects.get()
    assert (read.total_gross, read.ended_at, read.energy_wh) == (Decimal("9.26"), AT, 1_234)
    assert read.end_reason == ""
    same_as_django(session)


def test_every_kind_of_column_is_read_as_django_reads_it() -> None:
    station = make_station()
    same_as_django(station)
    same_as_django(Connector.objects.get(evse__station=station))
    make_tariff(station.site.operator)
    version = TariffVersion.objects.get()
    same_as_django(version)
    window = TariffWindow.objects.create(
        version=version, weekdays=[1, 7], starts_at="09:00", ends_at="22:00", price_per_kwh=9
    )
    window.refresh_from_db()
    same_as_django(window)
    names = ("weekdays", "starts_at", "price_per_kwh")
    statement = f"SELECT {rows.columns(TariffWindow, 'one', names)} FROM transactions_tariffwindow"
    (row,) = rows.fetch_all(f"{statement} AS one", [])
    assert rows.values(TariffWindow, names, row) == [
        window.weekdays,
        window.starts_at,
        window.price_per_kwh,
    ]


def test_the_database_still_refuses_what_breaks_its_rules() -> None:
    session = new_session(make_station())
    rows.insert([session])
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.insert([new_session(session.station)])
    Session.objects.all().delete()
    with pytest.raises(DatabaseError, match="is gone"):
        rows.update(session, ("energy_wh",))
