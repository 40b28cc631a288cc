"""Alerts for operators' own tools."""

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import Operator
from chargepoints.models import Alert, Station
from csms.common.clock import now
from csms.common.models import AuditEntry
from tests.api.client import ApiClient
from tests.support.factories import make_alert, make_api_key, make_site, make_station

ALERTS = "/api/admin/alerts"
Kind = Alert.Kind
pytestmark = pytest.mark.django_db


@pytest.fixture
def station(operator: Operator) -> Station:
    return make_station("CP1", site=make_site(operator))


def test_lists_are_filtered_and_cost_the_same_however_long(
    as_staff: ApiClient,
    with_key: ApiClient,
    station: Station,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    opened = make_alert(station, Kind.ANOTHER_DEVICE, severity="CRITICAL", detail="<b>")
    seen = make_alert(station, Kind.WRONG_CREDENTIALS, acknowledged_at=now())
    closed = make_alert(station, Kind.ODD_STOP, acknowledged_at=now(), resolved_at=now())
    make_alert(make_station("FOREIGN"))
    for number in range(10):
        make_alert(make_station(f"S{number}", site=station.site), Kind.MANY_UNKNOWN_TOKENS)

    def ids(query: str) -> set[int]:
        return {row["id"] for row in as_staff.json("get", f"{ALERTS}?{query}")["results"]}

    with django_assert_num_queries(4):
        rows = as_staff.json("get", ALERTS, expect=200)
    assert rows["count"] == 13
    assert ids("identity=cp1&state=open") == {opened.pk}
    assert ids("state=acknowledged") == {seen.pk}
    assert ids("state=resolved") == {closed.pk}
    assert ids("severity=CRITICAL") == ids("kind=ANOTHER_DEVICE") == {opened.pk}
    assert ids("identity=FOREIGN") == set()
    as_staff.call("get", f"{ALERTS}?state=closed", expect=400)
    assert with_key.json("get", ALERTS, expect=200)["count"] == 13


def test_is_acknowledged_and_resolved_once(
    as_staff: ApiClient, with_key: ApiClient, station: Station
) -> None:
    path = f"{ALERTS}/{make_alert(station).pk}"
    seen = as_staff.json("post", f"{path}/acknowledge", {"reason": "on my way"}, expect=200)
    assert (seen["state"], seen["acknowledged_by"]) == ("acknowledged", "staff@example.com")
    assert with_key.json("post", f"{path}/acknowledge", {}, expect=200) == seen
    problem = with_key.json("post", f"{path}/resolve", {"reason": " "}, expect=400)
    assert [error["field"] for error in problem["errors"]] == ["reason"]
    closed = with_key.json("post", f"{path}/resolve", {"reason": "new password"}, expect=200)
    assert (closed["state"], closed["resolution"]) == ("resolved", "new password")
    assert closed["resolved_by"] is None
    assert as_staff.json("post", f"{path}/resolve", {"reason": "mine"}, expect=200) == closed
    actions = AuditEntry.objects.filter(action__startswith="alert.").order_by("at")
    assert list(actions.values_list("action", flat=True)) == ["alert.acknowledge", "alert.resolve"]


def test_what_may_only_read_handles_nothing(operator: Operator, station: Station) -> None:
    alert = make_alert(station)
    _row, raw = make_api_key(("read",), operator=operator)
    reader = ApiClient(HTTP_X_API_KEY=raw)
    reader.call("get", ALERTS, expect=200)
    for act in ("acknowledge", "resolve"):
        reader.call("post", f"{ALERTS}/{alert.pk}/{act}", {"reason": "x"}, expect=403)
    alert.refresh_from_db()
    assert alert.acknowledged_at is None


def test_no_number_is_too_large(as_staff: ApiClient) -> None:
    as_staff.call("post", f"{ALERTS}/{'9' * 30}/acknowledge", {}, expect=404)
