"""A driver's session while it runs, over the API."""

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from chargepoints.models import Station
from csms.common import clock
from csms.common.models import LiveTicket
from tests.api.charging.support import begun, ended
from tests.api.client import ApiClient
from tests.support.factories import (
    connector_of,
    make_api_key,
    make_staff,
)
from tests.transactions import support

pytestmark = pytest.mark.django_db


def test_live_answers_only_what_is_new(
    app: ApiClient, station: Station, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    row = begun(app, station)
    path = f"/api/transactions/{row.public_id}/live"
    first = app.call("get", path, expect=200)
    assert first["Cache-Control"] == "private, no-store"
    etag = first["ETag"]
    assert etag.startswith('"')
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        same = app.call("get", path, expect=304, HTTP_IF_NONE_MATCH=known)
        assert (same.content, same["ETag"]) == (b"", etag)
    support.report(row.pk, (clock.now(), 3_000))
    changed = app.call("get", path, expect=200, HTTP_IF_NONE_MATCH=etag)
    assert changed["ETag"] != etag
    shown = changed.json()
    assert (shown["energy_wh"], shown["price"]["gross"]) == (2_000, "15.00")
    with django_assert_num_queries(6):
        app.call("get", path, expect=200)


def test_live_says_the_final_price_in_the_end(app: ApiClient, station: Station) -> None:
    row = ended(app, station)
    shown = app.json("get", f"/api/transactions/{row.public_id}/live", expect=200)
    assert (shown["state"], shown["is_final"]) == ("ENDED", True)
    assert shown["price"]["gross"] == "75.00"


def test_tickets_name_their_feed_and_are_not_kept_in_the_clear(
    app: ApiClient, station: Station, driver: User
) -> None:
    row = begun(app, station)
    made = app.json("post", f"/api/transactions/{row.public_id}/live-ticket", expect=201)
    kept = LiveTicket.objects.get()
    assert made["url"] == f"ws://testserver/ws/live/?ticket={made['ticket']}"
    assert (kept.user, kept.feed) == (driver, f"session:{row.public_id}:en")
    assert made["ticket"] not in (kept.digest, kept.feed)
    connector = connector_of(station, 2)
    app.call("get", "/api/chargepoints/CODE1/2/websocket-url", expect=200)
    app.call("get", "/api/chargepoints/CODE1/1/websocket-url?evse_id=2", expect=200)
    feeds = LiveTicket.objects.exclude(pk=kept.pk).values_list("feed", flat=True)
    assert set(feeds) == {f"connector:{connector.pk}"}
    for path in ("CODE1/3/websocket-url", "CODE1/1/websocket-url?evse_id=x", "CP9/1/websocket-url"):
        app.call("get", f"/api/chargepoints/{path}", expect=404)
    app.call("post", "/api/admin/live-ticket", expect=403)
    staff = ApiClient.of(make_staff(operators=[station.site.operator]))
    staff.call("post", "/api/admin/live-ticket", expect=201)
    _row, raw = make_api_key(("read", "gateway", "operate"))
    ApiClient(HTTP_X_API_KEY=raw).call("get", "/api/chargepoints/CODE1/1/websocket-url", expect=403)
