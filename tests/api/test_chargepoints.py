"""Stations: what everybody sees, what staff change, what gateways report."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import Operator
from chargepoints.models import Connector, Station
from csms.common.models import AuditEntry
from tests.api.client import ApiClient
from tests.support.factories import (
    make_api_key,
    make_site,
    make_station,
    make_tariff,
)

pytestmark = pytest.mark.django_db


def set_status(station: Station, status: str, *, online: bool = True, **fields: Any) -> None:
    Connector.objects.filter(evse__station=station).update(status=status, **fields)
    Station.objects.filter(pk=station.pk).update(is_online=online)


def identities(client: ApiClient, query: str) -> list[str]:
    return known_as(client.json("get", f"/api/chargepoints/?{query}", expect=200)["results"])


def known_as(rows: list[dict[str, Any]]) -> list[str]:
    """The OCPP identities of stations that strangers know by their public codes."""
    names = dict(Station.objects.values_list("public_code", "identity"))
    return [names[row["identity"]] for row in rows]


class TestLists:
    def test_rows_cost_a_fixed_number_of_queries(
        self, anonymous: ApiClient, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        site = make_site()
        for number in range(12):
            make_station(f"CP{number}", site=site, connectors=3)
        with django_assert_num_queries(4):
            page = anonymous.json("get", "/api/chargepoints/?page_size=10", expect=200)
        assert page["count"] == 12
        assert len(page["results"]) == 10
        assert page["next"].endswith("page=2&page_size=10")
        with django_assert_num_queries(3):
            assert len(anonymous.json("get", "/api/chargepoints/list", expect=200)) == 12
        with django_assert_num_queries(5):
            near = anonymous.json("get", "/api/chargepoints/nearby/13.7/100.5?page_size=5")
        assert near["count"] == 12
        assert len(near["results"]) == 5

    def test_the_legacy_list_says_that_it_ends(self, anonymous: ApiClient) -> None:
        response = anonymous.call("get", "/api/chargepoints/list", expect=200)
        assert response["Deprecation"].startswith("@")
        assert "GMT" in response["Sunset"]

    def test_conditions_on_connectors_hold_for_one_connector(self, anonymous: ApiClient) -> None:
        fast, slow = (
            make_station("FAST", max_power_w=150_000),
            make_station("SLOW", name="Car park"),
        )
        set_status(fast, "Charging")
        set_status(slow, "Available", type="CHAdeMO")
        assert identities(anonymous, "status=Available") == ["SLOW"]
        assert identities(anonymous, "min_power_kw=150") == ["FAST"]
        assert identities(anonymous, "connector_type=CHAdeMO&min_power_kw=51") == []
        assert identities(anonymous, "available=true") == ["SLOW"]
        assert identities(anonymous, "available=false") == ["FAST"]
        set_status(slow, "Available", online=False)
        assert identities(anonymous, "available=true") == []
        codes = [slow.public_code, fast.public_code]
        ordered = anonymous.json("get", "/api/chargepoints/?ordering=-identity")["results"]
        assert [row["identity"] for row in ordered] == sorted(codes, reverse=True)
        assert identities(anonymous, f"operator={fast.site.operator.code}") == ["FAST"]
        assert identities(anonymous, f"site={slow.site_id}&q=car park") == ["SLOW"]

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("status=Nope", "status"),
            ("min_power_kw=nan", "min_power_kw"),
            ("min_power_kw=-1", "min_power_kw"),
            ("available=perhaps", "available"),
            ("ordering=password_hash", "ordering"),
            ("q=%00", "q"),
        ],
    )
    def test_a_wrong_condition_is_named(self, anonymous: ApiClient, query: str, field: str) -> None:
        problem = anonymous.json("get", f"/api/chargepoints/?{query}", expect=400)
        assert [error["field"] for error in problem["errors"]] == [field]

    def test_nearest_first_within_the_radius(self, anonymous: ApiClient) -> None:
        for name, latitude in (("FAR", "14.90"), ("MIDDLE", "13.80"), ("NEAR", "13.76")):
            make_station(name, site=make_site(latitude=latitude, longitude="100.5"))
        path = "/api/chargepoints/nearby/13.75/100.5"
        rows = anonymous.json("get", path, expect=200)["results"]
        assert known_as(rows) == ["NEAR", "MIDDLE"]
        assert rows[0]["distance_km"] == pytest.approx(1.112, abs=0.002)
        assert len(anonymous.json("get", path + "?radius_km=200")["results"]) == 3
        assert len(anonymous.json("get", path + "?page_size=1&page=2")["results"]) == 1
        anonymous.call("get", path + "?page=9", expect=404)
        anonymous.call("get", path + "?radius_km=201", expect=400)
        anonymous.call("get", "/api/chargepoints/nearby/91/100.5", expect=400)
        anonymous.call("get", "/api/chargepoints/nearby/nan/100.5", expect=400)


class TestOne:
    def test_detail_with_the_tariff_of_each_evse(
        self, anonymous: ApiClient, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        station = make_station("CP1", connectors=4)
        operator = station.site.operator
        make_tariff(operator, name="Default", price_per_kwh="7.5")
        cheap = make_tariff(
            operator,
            name="Cheap",
            price_per_kwh="5",
            is_default=False,
            assign_to=station.evses.get(evse_id=2),
        )
        with django_assert_num_queries(7):
            path = f"/api/chargepoints/{station.public_code.lower()}"
            shown = anonymous.json("get", path, expect=200)
        prices = {t["evse_id"]: t["tariff"]["price_per_kwh"] for t in shown["tariffs"]}
        assert prices == {1: "7.5000", 2: "5.0000", 3: "7.5000", 4: "7.5000"}
        assert shown["tariffs"][1]["tariff"]["id"] == cheap.tariff_id
        assert shown["technical"] is None

    def test_unknown_archived_and_foreign_are_the_same(
        self, anonymous: ApiClient, as_staff: ApiClient
    ) -> None:
        archived = make_station("GONE", archived_at=datetime(2026, 1, 1, tzinfo=UTC))
        foreign = make_station("FOREIGN")
        for client, identity in (
            (anonymous, "NOPE"),
            (anonymous, archived.public_code),
            (as_staff, foreign.identity),
            (as_staff, "x" * 49),
        ):
            problem = client.json("get", f"/api/chargepoints/{identity}", expect=404)
            assert problem["code"] == "not_found"

    def test_public_answers_may_be_kept_and_private_ones_not(
        self, anonymous: ApiClient, as_staff: ApiClient, operator: Operator
    ) -> None:
        path = f"/api/chargepoints/{make_station('CP1', site=make_site(operator)).public_code}"
        public = anonymous.call("get", path, expect=200)
        assert public["Cache-Control"] == "public, max-age=5"
        again = anonymous.call("get", path, HTTP_IF_NONE_MATCH=public["ETag"])
        assert (again.status_code, again.content) == (304, b"")
        private = as_staff.call("get", "/api/chargepoints/CP1", expect=200)
        assert private["Cache-Control"] == "private, no-store"
        assert private.json()["technical"]["allowed_versions"] == ["ocpp1.6"]

    def test_what_is_missing(self, anonymous: ApiClient) -> None:
        station = make_station("CP1", connector_type="Unknown")
        path = f"/api/chargepoints/check-connectors/{station.public_code}"
        shown = anonymous.json("get", path, expect=200)
        assert shown["missing"] == ["connection", "boot"]
        assert shown["connectors"][0]["missing"] == ["type", "status"]
        set_status(station, "Available", type="CCS2")
        shown = anonymous.json("get", path, expect=200)
        assert shown["connectors"][0]["missing"] == []


class TestWriting:
    def test_staff_create_change_and_archive(self, as_staff: ApiClient, operator: Operator) -> None:
        site = as_staff.json(
            "post",
            "/api/admin/stations/",
            {"name": "Siam", "latitude": 13.74557, "longitude": 100.53496},
            expect=201,
        )
        made = as_staff.json(
            "post",
            "/api/admin/chargepoints/",
            {
                "identity": "TH-1",
                "site": site["id"],
                "connectors": [{"evse_id": 1, "type": "CCS2", "max_power_kw": 120}],
                "is_online": True,
                "password_hash": "x",
            },
            expect=201,
        )
        assert len(made["password"]) >= 32
        assert made["is_online"] is False
        assert made["evses"][0]["connectors"][0]["max_power_kw"] == 120
        added = as_staff.json(
            "post",
            "/api/chargepoints/create-connectors",
            {
                "identity": "TH-1",
                "connectors": [{"evse_id": 2, "type": "CHAdeMO"}, {"evse_id": 3, "type": "Type2"}],
            },
            expect=201,
        )
        assert [c["evse_id"] for c in added] == [2, 3]
        as_staff.call(
            "post",
            "/api/admin/connectors/",
            {"identity": "TH-1", "evse_id": 3, "type": "Type2"},
            expect=409,
        )
        listed = as_staff.json("get", "/api/admin/chargepoints/TH-1/connectors", expect=200)
        assert len(listed) == 3
        changed = as_staff.json(
            "put", "/api/chargepoints/TH-1", {"name": "Siam 1", "security_profile": 2}, expect=200
        )
        assert (changed["name"], changed["technical"]["security_profile"]) == ("Siam 1", 2)
        again = {"identity": "th-1", "site": site["id"]}
        assert as_staff.json("post", "/api/admin/chargepoints/", again, expect=409)["code"] == (
            "identity_taken"
        )
        as_staff.call("delete", "/api/chargepoints/TH-1", expect=204)
        as_staff.call("get", "/api/chargepoints/TH-1", expect=404)
        assert Station.objects.get(identity="TH-1").archived_at is not None
        assert AuditEntry.objects.filter(actor_label="staff@example.com").count() >= 5

    def test_a_foreign_site_is_no_site(self, as_staff: ApiClient) -> None:
        body = {"identity": "TH-1", "site": make_site().pk}
        problem = as_staff.json("post", "/api/admin/chargepoints/", body, expect=400)
        assert problem["errors"][0]["field"] == "site"

    def test_nested_errors_have_paths(self, as_staff: ApiClient, operator: Operator) -> None:
        body = {
            "identity": "TH-1",
            "site": make_site(operator).pk,
            "connectors": [{"evse_id": 1, "type": "CCS2"}, {"evse_id": 0, "type": "Plug"}],
        }
        problem = as_staff.json("post", "/api/admin/chargepoints/", body, expect=400)
        assert {error["field"] for error in problem["errors"]} == {
            "connectors.1.evse_id",
            "connectors.1.type",
        }

    def test_partners_use_the_service_paths(self, with_key: ApiClient, operator: Operator) -> None:
        body = {"identity": "P1", "site": make_site(operator).pk, "password": "1234567890abcdef"}
        made = with_key.json("post", "/charge-points", body, expect=201)
        assert made["password"] is None
        assert with_key.json("get", "/charge-points", expect=200)["count"] == 1
        with_key.call("put", "/charge-points/P1", {"name": "One"}, expect=200)
        assert with_key.json("get", "/charge-points/P1", expect=200)["name"] == "One"
        with_key.call("delete", "/charge-points/P1", expect=204)

    def test_a_key_needs_the_scope(self, operator: Operator) -> None:
        make_station("CP1", site=make_site(operator))
        _row, raw = make_api_key(("read",), operator=operator)
        reader = ApiClient(HTTP_X_API_KEY=raw)
        reader.call("get", "/charge-points/CP1", expect=200)
        reader.call("put", "/charge-points/CP1", {"name": "x"}, expect=403)
        reader.call("post", "/api/chargepoints/CP1/heartbeat", expect=403)


class TestGateway:
    def test_reports_reach_the_same_services(self, with_key: ApiClient, operator: Operator) -> None:
        station = make_station("CP1", site=make_site(operator))
        answer = with_key.json(
            "post",
            "/api/chargepoints/CP1/update-from-boot",
            {"vendor": "ABB", "model": "T54", "serial_number": "S1"},
            expect=200,
        )
        assert answer["status"] == "Accepted"
        state = with_key.json(
            "put", "/api/chargepoints/CP1/connection-status", {"connected": True}, expect=200
        )
        assert state["is_online"] is True
        with_key.call("post", "/api/chargepoints/CP1/heartbeat", expect=200)
        shown = with_key.json(
            "post",
            "/api/chargepoints/CP1/status",
            {"connector_id": 2, "status": "Charging"},
            expect=200,
        )
        assert [(c["evse_id"], c["status"]) for c in shown["connectors"]] == [
            (1, "Unknown"),
            (2, "Charging"),
        ]
        station.refresh_from_db()
        assert (station.vendor, station.is_online) == ("ABB", True)
        assert station.last_seen_at is not None

    def test_whitelist(self, with_key: ApiClient, operator: Operator) -> None:
        make_station("CP1", site=make_site(operator), serial_number="S1")
        make_station("OTHER")

        def answer(**question: str) -> dict[str, Any]:
            return with_key.json(
                "post", "/api/chargepoints/validate-whitelist", question, expect=200
            )

        assert answer(identity="CP1", serial_number="S1", ip="10.0.0.1")["allowed"] is True
        assert answer(identity="CP1", serial_number="S2")["reason"] == "serial_number_differs"
        assert answer(identity="OTHER")["reason"] == "unknown"
        assert answer(identity="NOPE")["reason"] == "unknown"

    def test_what_a_gateway_needs(
        self,
        with_key: ApiClient,
        operator: Operator,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        site = make_site(operator)
        for number in range(3):
            make_station(f"CP{number}", site=site)
        make_station("OTHER")
        with_key.call("get", "/api/chargepoints/ws-gateway/chargepoints", expect=200)
        with django_assert_num_queries(3):
            page = with_key.json("get", "/api/chargepoints/ws-gateway/chargepoints", expect=200)
        assert [row["identity"] for row in page["results"]] == ["CP0", "CP1", "CP2"]
        assert "argon2" not in str(page)


def test_status_reports_with_an_old_time_change_nothing(
    with_key: ApiClient, operator: Operator
) -> None:
    make_station("CP1", site=make_site(operator))
    now = datetime.now(UTC)
    for status, at in (("Charging", now), ("Available", now - timedelta(hours=1))):
        shown = with_key.json(
            "post",
            "/api/chargepoints/CP1/status",
            {"connector_id": 1, "status": status, "timestamp": at.isoformat()},
            expect=200,
        )
    assert shown["connectors"][0]["status"] == "Charging"
