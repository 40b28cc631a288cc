"""Keeping a copy of the stations and tariffs: what changed, what is gone, and what still holds."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import Operator, User
from accounts.services.operators import set_active
from chargepoints.domain.reports import StatusReport
from chargepoints.domain.states import ConnectorStatus
from chargepoints.models import Site, Station
from chargepoints.selectors import changes
from chargepoints.services import presence
from chargepoints.services.archiving import archive_station, restore_station
from chargepoints.services.stations import NewConnector, create_connectors, update_station
from chargepoints.services.status import report_status
from csms.common.audit import SystemActor
from tests.api.client import ApiClient
from tests.support.factories import (
    make_driver,
    make_operator,
    make_site,
    make_staff,
    make_station,
    make_superadmin,
    make_tariff,
)

pytestmark = pytest.mark.django_db
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
SOMEBODY = SystemActor("test")


@pytest.fixture
def known() -> Station:
    """A station that nothing happened to for years."""
    station = make_station("CP1")
    Station.objects.update(updated_at=LONG_AGO)
    Site.objects.update(updated_at=LONG_AGO)
    Operator.objects.update(updated_at=LONG_AGO)
    return station


def since(client: ApiClient, moment: datetime = NOW) -> tuple[list[str], list[str] | None]:
    query = moment.isoformat().replace("+00:00", "Z")
    page = client.json("get", f"/api/chargepoints/?updated_since={query}", expect=200)
    return [row["identity"] for row in page["results"]], page["removed"]


def rename(station: Station) -> None:
    update_station(station, actor=SOMEBODY, changes={"name": "New"})


def connect(station: Station) -> None:
    presence.mark_connected(station.pk, version="ocpp1.6", at=datetime.now(UTC))


def disconnect(station: Station) -> None:
    Station.objects.filter(pk=station.pk).update(is_online=True)
    presence.mark_disconnected(station.pk)


def late_status(station: Station) -> None:
    """Reported now, of hours ago by the charger's clock."""
    now = datetime.now(UTC)
    report_status(
        station.pk,
        StatusReport(
            received_at=now,
            evse_id=1,
            connector_id=1,
            status=ConnectorStatus.CHARGING,
            reported_at=now - timedelta(hours=6),
        ),
    )


def add_connector(station: Station) -> None:
    create_connectors(station, connectors=[NewConnector(evse_id=2)], actor=SOMEBODY)


def move_site(station: Station) -> None:
    site = station.site
    site.address = "Elsewhere"
    site.save()


def rename_operator(station: Station) -> None:
    station.site.operator.name = "Another name"
    station.site.operator.save()


def reopen_operator(station: Station) -> None:
    Operator.objects.update(is_active=False, updated_at=LONG_AGO)
    set_active(station.site.operator, True, actor=SOMEBODY)


def restored(station: Station) -> None:
    archive_station(station, actor=SOMEBODY)
    Station.objects.update(updated_at=LONG_AGO)
    restore_station(station, actor=SOMEBODY)


@pytest.mark.parametrize(
    "change",
    [
        rename,
        connect,
        disconnect,
        late_status,
        add_connector,
        move_site,
        rename_operator,
        reopen_operator,
        restored,
    ],
)
def test_what_counts_as_a_change(known: Station, change: Callable[[Station], None]) -> None:
    before = datetime.now(UTC)
    assert since(ApiClient(), before + timedelta(hours=1)) == ([], [])
    assert since(ApiClient(), before) == ([], [])
    change(known)
    assert since(ApiClient(), before) == ([known.public_code], [])
    # A minute more is looked at: a transaction may end after what it wrote down as its time.
    assert since(ApiClient(), datetime.now(UTC) + timedelta(seconds=50))[0]


def test_being_heard_is_no_change(known: Station) -> None:
    presence.record_seen({known.pk: datetime.now(UTC)})
    assert since(ApiClient(), NOW) == ([], [])


def test_what_is_gone_is_named(known: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = make_station("CP2")
    staff = ApiClient.of(make_staff(operators=[known.site.operator]))
    before = datetime.now(UTC)
    archive_station(known, actor=SOMEBODY)
    closed.site.is_active = False
    closed.site.save()
    assert since(ApiClient(), before) == ([], [known.public_code, closed.public_code])
    assert since(staff, before) == ([], ["CP1"])
    assert since(ApiClient(), before + timedelta(hours=1)) == ([], [])
    monkeypatch.setattr(changes, "MOST_REMOVED", 1)
    assert since(ApiClient(), before) == ([], None)
    assert ApiClient().json("get", "/api/chargepoints/", expect=200)["removed"] is None


def test_stations_of_a_closed_operator_are_named_to_whoever_saw_them(known: Station) -> None:
    operator, other = known.site.operator, make_operator()
    kept = make_station("CP2", site=make_site(other))
    make_station("CP3", site=make_site(make_operator(is_active=False)))
    Station.objects.update(updated_at=LONG_AGO)
    Site.objects.update(updated_at=LONG_AGO)
    Operator.objects.update(updated_at=LONG_AGO)
    of_both = ApiClient.of(make_staff(operators=[operator, other]))
    of_other = ApiClient.of(make_staff(operators=[other]))
    root = ApiClient.of(make_superadmin())
    before = datetime.now(UTC)
    set_active(operator, False, actor=SOMEBODY)
    for client in (ApiClient(), ApiClient.of(make_driver())):
        assert since(client, before) == ([], [known.public_code])
        assert since(client, before + timedelta(hours=1)) == ([], [])
    assert since(of_both, before) == ([], ["CP1"])
    assert since(of_other, before) == ([], [])
    assert since(root, before) == (["CP1"], []), "who sees every operator still sees it"
    set_active(operator, True, actor=SOMEBODY)
    assert since(ApiClient(), before) == ([known.public_code], [])
    assert since(of_both, before) == (["CP1"], [])
    assert kept.public_code not in since(ApiClient(), before)[0]


def test_the_same_number_of_queries(
    known: Station, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _number in range(5):
        make_station()
    with django_assert_num_queries(5):
        assert len(since(ApiClient(), datetime.now(UTC))[0]) == 5


@pytest.mark.parametrize("path", ["", "list", "{code}", "check-connectors/{code}"])
def test_an_app_asks_whether_its_copy_still_holds(known: Station, path: str) -> None:
    url = f"/api/chargepoints/{path.format(code=known.public_code)}"
    for client, kept in (
        (ApiClient(), "public, max-age="),
        (ApiClient.of(make_driver()), "private, no-cache"),
    ):
        first = client.call("get", url, expect=200)
        assert first["Cache-Control"].startswith(kept)
        assert first["ETag"].startswith('W/"')
        for tag in (first["ETag"], first["ETag"].removeprefix("W/"), f'"x", {first["ETag"]}', "*"):
            again = client.call("get", url, HTTP_IF_NONE_MATCH=tag)
            assert (again.status_code, again.content) == (304, b"")
            assert again["Cache-Control"].startswith(kept)
            assert again["ETag"] == first["ETag"]
        Station.objects.filter(pk=known.pk).update(is_online=not known.is_online)
        known.refresh_from_db()
        changed = client.call("get", url, HTTP_IF_NONE_MATCH=first["ETag"], expect=200)
        assert changed["ETag"] != first["ETag"]


def test_what_staff_see_is_kept_nowhere(known: Station) -> None:
    staff = ApiClient.of(make_staff(operators=[known.site.operator]))
    for path in ("/api/chargepoints/", "/api/chargepoints/CP1", "/charge-points"):
        answer = staff.call("get", path, expect=200)
        assert answer["Cache-Control"] == "private, no-store"
        assert "ETag" not in answer


class TestTariff:
    def test_what_is_in_use_is_everybodys(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        station = make_station()
        used = make_tariff(station.site.operator, is_default=False, assign_to=station)
        default = make_tariff(station.site.operator)
        planned = make_tariff(station.site.operator, is_default=False)
        with django_assert_num_queries(2):
            shown = ApiClient().json("get", f"/api/tariffs/{used.tariff_id}", expect=200)
        assert (shown["id"], shown["price_per_kwh"]) == (used.tariff_id, "7.5000")
        for client in (ApiClient(), ApiClient.of(make_driver())):
            answer = client.call("get", f"/api/tariffs/{default.tariff_id}", expect=200)
            assert "ETag" in answer
            client.call("get", f"/api/tariffs/{planned.tariff_id}", expect=404)
        archive_station(station, actor=SOMEBODY)
        ApiClient().call("get", f"/api/tariffs/{used.tariff_id}", expect=404)

    def test_staff_see_their_own(self) -> None:
        own, other = make_operator(), make_operator()
        planned = make_tariff(own, is_default=False)
        client = ApiClient.of(staff_of(own))
        client.call("get", f"/api/tariffs/{planned.tariff_id}", expect=200)
        client.call("get", f"/api/tariffs/{make_tariff(other).tariff_id}", expect=404)

    def test_the_version_in_effect(self) -> None:
        later = make_tariff(effective_from=datetime.now(UTC) + timedelta(days=1))
        for path in (later.tariff_id, 10**17, "x", "9" * 30):
            ApiClient().call("get", f"/api/tariffs/{path}", expect=404)


def staff_of(*operators: object) -> User:
    return make_staff(operators=operators)  # type: ignore[arg-type]


def test_the_site_of_a_copy(known: Station) -> None:
    """A closed site that comes back is a change."""
    site = make_site()
    moved = make_station(site=site)
    Station.objects.update(updated_at=LONG_AGO)
    site.is_active = False
    site.save()
    site.is_active = True
    site.save()
    assert since(ApiClient(), datetime.now(UTC)) == ([moved.public_code], [])


def test_the_legacy_list_says_since_when_and_until_when() -> None:
    """RFC 9745: a date as a structured field. RFC 8594: an HTTP date. RFC 8288: where instead."""
    answer = ApiClient().call("get", "/api/chargepoints/list", expect=200)
    assert answer["Deprecation"] == "@1767225600"
    assert datetime.fromtimestamp(1767225600, UTC) == datetime(2026, 1, 1, tzinfo=UTC)
    sunset = datetime.strptime(answer["Sunset"], "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    assert sunset == datetime(2027, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert answer["Link"] == '</api/chargepoints/>; rel="successor-version"'
