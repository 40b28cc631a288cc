"""Stations as people make and change them, and their passwords."""

from typing import Any

import pytest

from chargepoints.domain.identities import identity_problem
from chargepoints.models import Connector, Station
from chargepoints.services import archiving, commands, passwords, stations
from chargepoints.services.stations import NewConnector
from csms.common.audit import SystemActor
from csms.common.errors import Conflict, InvalidInput
from csms.common.models import AuditEntry
from tests.support.factories import make_site, make_staff, make_station

ACTOR = SystemActor("test")
PASSWORD = "0123456789abcdef0123"


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


def fields_of(refusal: InvalidInput | Conflict) -> list[str]:
    return [error.field for error in refusal.errors]


@pytest.mark.django_db
def test_a_station_is_made_with_its_connectors_and_audited() -> None:
    staff = make_staff()
    station = stations.create_station(
        site=make_site(),
        identity="RDAM|123 b",
        actor=staff,
        password=PASSWORD,
        connectors=[NewConnector(1, 1, "CCS2", 150_000), NewConnector(1, 2), NewConnector(2)],
        allowed_versions=["ocpp2.0.1", "ocpp1.6"],
    )
    assert passwords.check_password(station.password_hash, PASSWORD)
    assert Connector.objects.filter(evse__station=station).count() == 3
    assert Connector.objects.get(type="CCS2").max_power_w == 150_000
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, PASSWORD in str(entry.changes)) == (
        "station.create",
        staff,
        False,
    )
    with pytest.raises(Conflict, match="Another station"):
        stations.create_station(
            site=station.site, identity="rdam|123 B", actor=staff, password=PASSWORD
        )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"identity": ""}, "identity"),
        ({"identity": "a/b"}, "identity"),
        ({"password": None}, "password"),
        ({"allowed_versions": ["ocpp1.5"]}, "allowed_versions"),
        ({"allowed_versions": []}, "allowed_versions"),
        ({"security_profile": 4}, "security_profile"),
        ({"password_hash": "x"}, "password_hash"),
        ({"is_online": True}, "is_online"),
        ({"connectors": [NewConnector(0)]}, "connectors.0"),
        ({"connectors": [NewConnector(1), NewConnector(1)]}, "connectors.1"),
        ({"connectors": [NewConnector(1, type="USB")]}, "connectors.0.type"),
        ({"connectors": [NewConnector(1, max_power_w=0)]}, "connectors.0.max_power_w"),
    ],
)
def test_stations_that_make_no_sense_leave_nothing(wrong: dict[str, Any], field: str) -> None:
    sensible = {"identity": "TH-1", "password": PASSWORD, "site": make_site(), "actor": ACTOR}
    with pytest.raises(InvalidInput) as refusal:
        stations.create_station(**{**sensible, **wrong})
    assert fields_of(refusal.value) == [field]
    assert not Station.objects.exists()
    assert actions() == []


@pytest.mark.django_db
def test_changes_are_audited_with_before_and_after() -> None:
    station = make_station(name="Old")
    other = make_site()
    stations.update_station(
        station,
        actor=ACTOR,
        changes={"name": "New", "site": other, "vendor": ""},
        password=PASSWORD,
    )
    entry = AuditEntry.objects.get()
    assert entry.changes == {
        "name": ["Old", "New"],
        "site": [station.site_id, other.pk],
        "password": "changed",
    }
    station.refresh_from_db()
    assert (station.name, station.site) == ("New", other)
    assert passwords.check_password(station.password_hash, PASSWORD)
    with pytest.raises(InvalidInput):
        stations.update_station(station, actor=ACTOR, changes={"identity": "other"})
    unlocked = make_station(password=None)
    with pytest.raises(InvalidInput):
        stations.update_station(unlocked, actor=ACTOR, changes={"security_profile": 1})


@pytest.mark.django_db
def test_an_archived_station_keeps_its_history_and_its_name() -> None:
    station = make_station("TH-1")
    waiting = commands.request(station, "reset", {}, actor=ACTOR)
    archiving.archive_station(station, actor=ACTOR, reason="sold")
    archiving.archive_station(station, actor=ACTOR)
    waiting.refresh_from_db()
    assert waiting.status == "CANCELLED"
    with pytest.raises(Conflict):
        stations.update_station(station, actor=ACTOR, changes={"name": "x"})
    with pytest.raises(Conflict) as refusal:
        stations.create_station(site=station.site, identity="th-1", actor=ACTOR, password=PASSWORD)
    assert refusal.value.code == "identity_archived"
    archiving.restore_station(station, actor=ACTOR)
    archiving.restore_station(station, actor=ACTOR)
    station.refresh_from_db()
    assert station.archived_at is None
    assert actions() == ["command.request", "station.archive", "station.restore"]


@pytest.mark.django_db
def test_connectors_are_added_all_or_none() -> None:
    station = make_station(connectors=1)
    made = stations.create_connectors(
        station, connectors=[NewConnector(1, 2, "CHAdeMO"), NewConnector(2)], actor=ACTOR
    )
    assert [(c.evse.evse_id, c.connector_id, c.type) for c in made] == [
        (1, 2, "CHAdeMO"),
        (2, 1, "Unknown"),
    ]
    with pytest.raises(Conflict) as refusal:
        stations.create_connectors(
            station, connectors=[NewConnector(3), NewConnector(2)], actor=ACTOR
        )
    assert fields_of(refusal.value) == ["connectors.1"]
    assert Connector.objects.count() == 3
    assert actions() == ["station.create_connectors"]


@pytest.mark.django_db
def test_passwords_come_as_text_as_bytes_and_as_bytes_of_hexadecimal_digits() -> None:
    station = make_station()
    for password in ("simple", "with:colon and space", "ไทย", "0a" * 16, "0A" * 20):
        passwords.set_password(station, password)
        station.refresh_from_db()
        stored = station.password_hash
        assert password not in stored
        assert passwords.check_password(stored, password)
        assert passwords.check_password(stored, password.encode())
        assert not passwords.check_password(stored, password + "x")
    assert passwords.check_password(stored, bytes.fromhex("0a" * 20))
    for nothing in ("", b"", b"\xff\xfe:\x00", "\ud800", "x" * 10_000):
        assert not passwords.check_password(stored, nothing)
    assert not passwords.check_password("", "anything")
    for wrong in ("", "x" * 129):
        with pytest.raises(InvalidInput):
            passwords.set_password(station, wrong)


@pytest.mark.parametrize("identity", ["TH-1", "RDAM|123", "a b", "a%20b", "x" * 48])
def test_identities_that_can_stand_in_an_address(identity: str) -> None:
    assert identity_problem(identity) == ""


@pytest.mark.parametrize("identity", ["", "a/b", "a\\b", " a", "a\n", "สถานี", "x" * 49, "a\x00"])
def test_identities_that_cannot(identity: str) -> None:
    assert identity_problem(identity) != ""
