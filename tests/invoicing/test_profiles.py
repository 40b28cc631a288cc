"""Tax invoice profiles over the API: whose they are, what they must say, which is the default."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Operator, User
from csms.common.errors import NotFound
from csms.common.models import AuditEntry
from invoicing.models import TaxInvoiceProfile
from invoicing.selectors import profiles as profile_rows
from tests.api.client import ApiClient
from tests.support.factories import (
    make_driver,
    make_operator,
    make_session,
    make_site,
    make_staff,
    make_station,
    make_superadmin,
    make_tax_id,
    make_tax_invoice_profile,
)

pytestmark = pytest.mark.django_db
PATH = "/api/sstaxinvoiceprofile/"


def company(**changes: Any) -> dict[str, Any]:
    return {
        "party": "COMPANY",
        "tax_id": "0-1055-44046-60-2",
        "branch": "00001",
        "name": "บริษัท ตัวอย่าง จำกัด",
        "address": "99/1 ถนนพระรามที่ 1",
        "sub_district": "ปทุมวัน",
        "district": "ปทุมวัน",
        "province": "กรุงเทพมหานคร",
        "postal_code": "10330",
        "email": "accounting@example.com",
        **changes,
    }


def person(**changes: Any) -> dict[str, Any]:
    return company(
        **{"party": "PERSON", "tax_id": make_tax_id(is_company=False), "branch": "00000", **changes}
    )


@pytest.fixture
def driver(db: None) -> User:
    return make_driver()


@pytest.fixture
def client(driver: User) -> ApiClient:
    return ApiClient.of(driver)


def test_a_profile_is_made_read_changed_and_removed(client: ApiClient, driver: User) -> None:
    made = client.json("post", PATH, company(), expect=201)
    assert (made["tax_id"], made["branch"], made["is_default"]) == ("0105544046602", "00001", True)
    listed = client.json("get", f"{PATH}user/{driver.pk}", expect=200)
    assert listed["results"] == [made]
    changed = client.json(
        "put", f"{PATH}{made['id']}", company(branch="00000", email=""), expect=200
    )
    assert (changed["branch"], changed["email"], changed["is_default"]) == ("00000", "", True)
    client.call("delete", f"{PATH}{made['id']}", expect=204)
    client.call("delete", f"{PATH}{made['id']}", expect=404)
    assert AuditEntry.objects.filter(actor=driver, object_id=made["id"]).count() == 3


def test_the_tax_id_is_not_readable_in_the_table(client: ApiClient) -> None:
    client.call("post", PATH, company(), expect=201)
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT tax_id, tax_id_digest FROM invoicing_taxinvoiceprofile")
        stored = str(cursor.fetchall())
    assert "0105544046602" not in stored


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"tax_id": "0105544046603"}, "tax_id"),
        ({"tax_id": "123"}, "tax_id"),
        ({"tax_id": "๑" * 13}, "tax_id"),
        ({"party": "PERSON"}, "tax_id"),
        ({"branch": "1"}, "branch"),
        ({"branch": "0000A"}, "branch"),
        ({"province": "Gotham"}, "province"),
        ({"postal_code": "1033"}, "postal_code"),
        ({"postal_code": "1033๐"}, "postal_code"),
        ({"name": ""}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"address": None}, "address"),
        ({"email": "nobody"}, "email"),
        ({"party": "GHOST"}, "party"),
    ],
)
def test_a_wrong_field_is_named(client: ApiClient, change: dict[str, Any], field: str) -> None:
    problem = client.json("post", PATH, company(**change), expect=400)
    assert field in [error["field"] for error in problem["errors"]]
    assert not TaxInvoiceProfile.objects.exists()


def test_persons_have_no_branch_and_no_company_number(client: ApiClient) -> None:
    client.call("post", PATH, person(), expect=201)
    problem = client.json("post", PATH, person(branch="00001"), expect=400)
    assert [(e["field"], e["code"]) for e in problem["errors"]] == [("branch", "other_party")]
    swapped = company(tax_id=make_tax_id(is_company=False))
    problem = client.json("post", PATH, swapped, expect=400)
    assert [(e["field"], e["code"]) for e in problem["errors"]] == [("tax_id", "other_party")]


def test_the_same_company_twice_is_refused_but_not_its_other_branch(client: ApiClient) -> None:
    client.call("post", PATH, company(), expect=201)
    assert client.json("post", PATH, company(), expect=409)["code"] == "profile_exists"
    other = client.json("post", PATH, company(branch="00002"), expect=201)
    problem = client.json("put", f"{PATH}{other['id']}", company(branch="00001"), expect=409)
    assert problem["code"] == "profile_exists"


def test_one_profile_is_the_default(client: ApiClient, driver: User) -> None:
    first = client.json("post", PATH, company(), expect=201)
    second = client.json("post", PATH, company(branch="00002"), expect=201)
    assert (first["is_default"], second["is_default"]) == (True, False)
    for _again in range(2):
        shown = client.json("put", f"{PATH}{second['id']}/set-default", expect=200)
        assert shown["is_default"]
    assert str(TaxInvoiceProfile.objects.get(is_default=True).pk) == second["id"]
    client.call("delete", f"{PATH}{second['id']}", expect=204)
    assert str(TaxInvoiceProfile.objects.get(is_default=True).pk) == first["id"]
    with pytest.raises(IntegrityError), transaction.atomic():
        make_tax_invoice_profile(driver, is_default=True)


def test_anothers_profile_is_not_there(client: ApiClient) -> None:
    other = make_driver()
    theirs = make_tax_invoice_profile(other)
    before = TaxInvoiceProfile.objects.values().get()
    client.call("get", f"{PATH}user/{other.pk}", expect=404)
    client.call("get", f"{PATH}user/987654", expect=404)
    client.call("put", f"{PATH}{theirs.pk}", company(), expect=404)
    client.call("put", f"{PATH}{theirs.pk}", {}, expect=404)
    client.call("put", f"{PATH}{theirs.pk}/set-default", expect=404)
    client.call("delete", f"{PATH}{theirs.pk}", expect=404)
    assert TaxInvoiceProfile.objects.values().get() == before


def test_strangers_keys_and_staff_write_nothing(driver: User) -> None:
    profile = make_tax_invoice_profile(driver)
    ApiClient().call("get", f"{PATH}user/{driver.pk}", expect=401)
    ApiClient().call("post", PATH, company(), expect=401)
    superadmin = ApiClient.of(make_superadmin())
    superadmin.call("post", PATH, company(), expect=403)
    superadmin.call("delete", f"{PATH}{profile.pk}", expect=403)
    assert superadmin.json("get", f"{PATH}user/{driver.pk}", expect=200)["count"] == 1
    superadmin.call("get", f"{PATH}user/987654", expect=404)


def test_staff_see_their_customers_only(driver: User, monkeypatch: pytest.MonkeyPatch) -> None:
    make_tax_invoice_profile(driver)
    ours: Operator = make_operator()
    make_session(driver, station=make_station(site=make_site(ours)))
    ApiClient.of(make_staff(operators=[ours])).call("get", f"{PATH}user/{driver.pk}", expect=403)
    monkeypatch.setattr(
        "accounts.models.users.staff_may", lambda permission: permission == profile_rows.VIEW
    )
    serving = ApiClient.of(make_staff(operators=[ours]))
    assert serving.json("get", f"{PATH}user/{driver.pk}", expect=200)["count"] == 1
    other = make_staff(operators=[make_operator()])
    ApiClient.of(other).call("get", f"{PATH}user/{driver.pk}", expect=404)
    with pytest.raises(NotFound):
        profile_rows.of_user(other, driver.pk)


def test_profiles_take_no_other_fields(client: ApiClient, driver: User) -> None:
    """T41"""
    other = make_driver()
    hostile = {
        "id": "0199c2de-6a0a-7c3e-b0ff-000000000000",
        "driver": other.pk,
        "driver_id": other.pk,
        "tax_id_digest": "x",
        "created_at": "2020-01-01T00:00:00Z",
        "updated_at": "2020-01-01T00:00:00Z",
        "operator": 1,
        "status": "ISSUED",
    }
    made = client.json("post", PATH, {**hostile, **company()}, expect=201)
    row = TaxInvoiceProfile.objects.get()
    assert (row.driver, row.created_at.year > 2020) == (driver, True)
    assert made["id"] == str(row.pk) != hostile["id"]
    body = {**hostile, **company(), "is_default": False}
    client.call("put", f"{PATH}{row.pk}", body, expect=200)
    after = TaxInvoiceProfile.objects.get()
    assert (after.driver, after.is_default, after.pk) == (driver, True, row.pk)


def test_a_list_costs_the_same_however_long(
    client: ApiClient, driver: User, django_assert_num_queries: Any
) -> None:
    for _number in range(8):
        make_tax_invoice_profile(driver)
    with django_assert_num_queries(3):
        client.call("get", f"{PATH}user/{driver.pk}", expect=200)
