"""A copy of one's data and the end of one's account, over HTTP."""

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.test import RequestFactory
from django.test.client import AsyncRequestFactory

from accounts.api.file_answers import zip_answer
from accounts.models import AccountMessage, DataExport, SignIn, User, Verification
from accounts.services import data_exports, export_files
from csms.common import clock
from tests.api.client import ApiClient
from tests.support.factories import PASSWORD, make_driver, make_id_token, make_session, make_vehicle
from transactions.models import Session

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path


def made_copy(client: ApiClient) -> dict[str, Any]:
    asked = client.json("post", "/api/data-exports", {"password": PASSWORD}, expect=202)
    data_exports.build(asked["id"])
    return client.json("get", f"/api/data-exports/{asked['id']}", expect=200)


def test_a_copy_is_asked_for_waited_for_and_fetched(
    as_driver: ApiClient, driver: User, django_capture_on_commit_callbacks: Any
) -> None:
    make_vehicle(driver, "1กข 4711")
    asked = as_driver.json("post", "/api/data-exports", {"password": PASSWORD}, expect=202)
    assert (asked["state"], asked["file"]) == ("REQUESTED", None)
    path = f"/api/data-exports/{asked['id']}"
    problem = as_driver.json("get", f"{path}/file", expect=409)
    assert problem["code"] == "export_not_ready"
    data_exports.build(asked["id"])
    ready = as_driver.json("get", path, expect=200)
    assert (ready["state"], ready["file"]) == ("READY", f"{path}/file")
    assert as_driver.json("get", "/api/data-exports", expect=200)["results"] == [ready]
    answer = as_driver.call("get", ready["file"], expect=200)
    assert answer["Content-Type"] == "application/zip"
    assert answer["Content-Disposition"].startswith('attachment; filename="my-data-')
    assert answer["Cache-Control"] == "private, no-store"
    content = b"".join(answer.streaming_content)
    assert int(answer["Content-Length"]) == len(content) == ready["size_bytes"]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert "4711" in archive.read("json/vehicles.json").decode()


def test_nobody_else_gets_it(
    as_driver: ApiClient,
    as_other_driver: ApiClient,
    as_staff: ApiClient,
    anonymous: ApiClient,
    with_key: ApiClient,
) -> None:
    asked = as_driver.json("post", "/api/data-exports", {"password": PASSWORD}, expect=202)
    data_exports.build(asked["id"])
    for path in (f"/api/data-exports/{asked['id']}", f"/api/data-exports/{asked['id']}/file"):
        as_other_driver.call("get", path, expect=404)
        as_staff.call("get", path, expect=404)
        anonymous.call("get", path, expect=401)
        with_key.call("get", path, expect=403)
    as_driver.call("get", f"/api/data-exports/{uuid4()}/file", expect=404)
    assert as_other_driver.json("get", "/api/data-exports")["count"] == 0


def test_a_copy_is_only_for_who_knows_the_password(as_driver: ApiClient) -> None:
    problem = as_driver.json("post", "/api/data-exports", {}, expect=400)
    assert [(one["field"], one["code"]) for one in problem["errors"]] == [("password", "required")]
    problem = as_driver.json("post", "/api/data-exports", {"password": "no"}, expect=400)
    assert problem["code"] == "password_not_valid"
    assert not DataExport.objects.exists()


def test_staff_get_a_copy_with_their_password(as_staff: ApiClient) -> None:
    as_staff.call("post", "/api/data-exports", {"password": "no"}, expect=400)
    as_staff.call("post", "/api/data-exports", {"password": PASSWORD}, expect=202)


def test_who_has_no_password_signs_in_again_for_a_copy(db: None) -> None:
    client = ApiClient.of(make_driver(None, password=None, is_external=True))
    SignIn.objects.update(created_at=clock.now() - timedelta(minutes=11))
    assert client.json("post", "/api/data-exports", {}, expect=403)["code"] == "sign_in_again"
    SignIn.objects.update(created_at=clock.now())
    client.call("post", "/api/data-exports", {}, expect=202)


def test_an_expired_copy_is_gone(as_driver: ApiClient) -> None:
    asked = as_driver.json("post", "/api/data-exports", {"password": PASSWORD}, expect=202)
    data_exports.build(asked["id"])
    DataExport.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    as_driver.call("get", f"/api/data-exports/{asked['id']}/file", expect=409)
    data_exports.expire_due(clock.now())
    shown = as_driver.json("get", f"/api/data-exports/{asked['id']}", expect=200)
    assert (shown["state"], shown["file"]) == ("EXPIRED", None)


def test_a_copy_whose_file_was_lost_is_an_answer_and_not_ready_for_ever(
    as_driver: ApiClient,
) -> None:
    lost, kept = made_copy(as_driver), made_copy(as_driver)
    export_files.remove(DataExport.objects.get(pk=lost["id"]).file_name)
    problem = as_driver.json("get", f"/api/data-exports/{lost['id']}/file", expect=404)
    assert (problem["code"], "new export" in problem["detail"]) == ("export_file_lost", True)
    assert data_exports.expire_due(clock.now()) == 1
    states = dict(DataExport.objects.values_list("pk", "state"))
    assert {str(key): state for key, state in states.items()} == {
        lost["id"]: "EXPIRED",
        kept["id"]: "READY",
    }
    as_driver.call("get", f"/api/data-exports/{lost['id']}/file", expect=409)


def test_three_copies_a_day(as_driver: ApiClient) -> None:
    for _number in range(3):
        as_driver.call("post", "/api/data-exports", {"password": PASSWORD}, expect=202)
        DataExport.objects.update(state="FAILED")
    refused = as_driver.call("post", "/api/data-exports", {"password": PASSWORD}, expect=429)
    assert int(refused["Retry-After"]) > 86_000


async def test_a_file_is_sent_piece_by_piece_under_asgi(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accounts.api.file_answers._CHUNK", 4)
    path = tmp_path / "x.zip"
    path.write_bytes(b"0123456789")
    answer = zip_answer(AsyncRequestFactory().get("/"), path, file_name="x.zip", size=10)
    assert answer.is_async
    assert [piece async for piece in answer] == [b"0123", b"4567", b"89"]
    answer.close()
    with pytest.raises(FileNotFoundError):
        zip_answer(AsyncRequestFactory().get("/"), tmp_path / "y.zip", file_name="y", size=10)
    plain = zip_answer(RequestFactory().get("/"), path, file_name="x.zip", size=10)
    pieces: Iterator[bytes] = iter(plain.streaming_content)  # type: ignore[arg-type]
    assert b"".join(pieces) == b"0123456789"
    plain.close()


# --- The end ------------------------------------------------------------------------------------
def test_an_account_is_closed_with_the_password(as_driver: ApiClient, driver: User) -> None:
    make_session(driver)
    make_id_token("CARD1", user=driver)
    other_device = ApiClient.of(driver)
    report = as_driver.json("post", "/api/profile/deletion", {"password": PASSWORD}, expect=200)
    assert report["erased"]["profile"] == 1
    assert {one["kind"] for one in report["kept"]} >= {"charging_sessions", "actions"}
    for client in (as_driver, other_device):
        client.call("get", "/api/vehicles", expect=401)
    driver.refresh_from_db()
    assert (driver.email, driver.is_active) == (None, False)
    make_driver("driver@example.com")


def test_a_wrong_password_closes_nothing_and_counts(as_driver: ApiClient, driver: User) -> None:
    for _number in range(4):
        problem = as_driver.json("post", "/api/profile/deletion", {"password": "no"}, expect=400)
        assert problem["code"] == "password_not_valid"
    as_driver.call("post", "/api/profile/deletion", {"password": "no"}, expect=429)
    # Locked out: also with the right one.
    as_driver.call("post", "/api/profile/deletion", {"password": PASSWORD}, expect=429)
    driver.refresh_from_db()
    assert driver.is_active


def code_in(message: Any) -> str:
    return re.findall(r"\b\d{6}\b", f"{message.subject} {message.body}")[0]


def test_an_account_is_closed_with_a_fresh_code(
    as_driver: ApiClient,
    driver: User,
    mailoutbox: list[Any],
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        asked = as_driver.json("post", "/api/profile/deletion/code", expect=202)
    sent = code_in(mailoutbox[-1])
    body = {"verification_id": asked["verification_id"], "code": sent}
    wrong = {**body, "code": "000000" if sent != "000000" else "111111"}
    as_driver.call("post", "/api/profile/deletion", wrong, expect=400)
    make_session(driver, is_held=True)
    as_driver.call("post", "/api/profile/deletion", body, expect=409)
    Session.objects.update(is_held=False)
    report = as_driver.json("post", "/api/profile/deletion", body, expect=200)
    assert report["erased"]["verification_codes"] == 1
    assert not AccountMessage.objects.exists()
    row = Verification.objects.get()
    assert (row.user, row.address, bool(row.address_digest)) == (None, "", True)


def test_anothers_code_closes_nothing(
    as_driver: ApiClient,
    as_other_driver: ApiClient,
    driver: User,
    mailoutbox: list[Any],
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        asked = as_other_driver.json("post", "/api/profile/deletion/code", expect=202)
    body = {"verification_id": asked["verification_id"], "code": code_in(mailoutbox[-1])}
    as_driver.call("post", "/api/profile/deletion", body, expect=404)
    as_other_driver.call("post", "/api/profile/deletion", body, expect=200)
    driver.refresh_from_db()
    assert driver.is_active


def test_neither_password_nor_code(as_driver: ApiClient) -> None:
    for body in ({}, {"code": "123456"}, {"verification_id": str(uuid4())}):
        as_driver.call("post", "/api/profile/deletion", body, expect=400)


def test_who_has_neither_must_have_signed_in_just_now(db: None) -> None:
    driver = make_driver(None, password=None, is_external=True)
    client = ApiClient.of(driver)
    client.call("post", "/api/profile/deletion/code", expect=409)
    SignIn.objects.update(created_at=clock.now() - timedelta(minutes=11))
    assert client.json("post", "/api/profile/deletion", {}, expect=403)["code"] == "sign_in_again"
    SignIn.objects.update(created_at=clock.now())
    client.call("post", "/api/profile/deletion", {}, expect=200)


def test_what_stands_in_the_way_is_told(as_driver: ApiClient, driver: User) -> None:
    make_session(driver, state="ACTIVE", ended_at=None, started_at=clock.now(), priced_at=None)
    make_session(driver, is_held=True)
    body = {"password": PASSWORD}
    problem = as_driver.json("post", "/api/profile/deletion", body, expect=409)
    assert problem["code"] == "account_in_use"
    assert [one["code"] for one in problem["errors"]] == ["sessions_open", "sessions_unsettled"]
    thai = as_driver.json("post", "/api/profile/deletion", body, HTTP_ACCEPT_LANGUAGE="th")
    assert "โปรดหยุดชาร์จก่อน" in thai["errors"][0]["detail"]


def test_only_drivers_close_their_account_here(
    as_staff: ApiClient, anonymous: ApiClient, with_key: ApiClient
) -> None:
    body = {"password": PASSWORD}
    as_staff.call("post", "/api/profile/deletion", body, expect=403)
    with_key.call("post", "/api/profile/deletion", body, expect=403)
    anonymous.call("post", "/api/profile/deletion", body, expect=401)


def test_deletion_takes_no_other_fields(as_driver: ApiClient, driver: User) -> None:
    """T41"""
    other = make_driver()
    body = {"password": PASSWORD, "user": other.pk, "user_id": other.pk, "id": other.pk}
    as_driver.call("post", "/api/profile/deletion", body, expect=200)
    other.refresh_from_db()
    assert other.is_active
