"""The OpenAPI document: complete, valid, offline; and what its routes let through."""

import re
from io import StringIO
from typing import Any

import jsonschema_rs
import pytest
from django.core.management import call_command
from django.test import Client

from accounts.models import Operator, User
from chargepoints.models import Command, Station
from csms.common import clock
from ocpp_gateway.models import StationConnection
from tests.api.client import ApiClient, document
from tests.support.factories import (
    connector_of,
    make_api_key,
    make_driver,
    make_operator,
    make_site,
    make_staff,
    make_station,
)
from transactions.models import Session

METHODS = ("get", "put", "post", "delete", "patch")
OPERATIONS = [
    (path, method, operation)
    for path, item in document()["paths"].items()
    for method, operation in item.items()
    if method in METHODS
]
NAMES = [f"{method} {path}" for path, method, _operation in OPERATIONS]


def test_the_generator_has_nothing_to_say() -> None:
    call_command("spectacular", "--fail-on-warn", "--validate", stdout=StringIO())
    assert document()["openapi"].startswith("3.1")


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS, ids=NAMES)
def test_an_operation_has_an_id_examples_and_its_errors(
    path: str, method: str, operation: dict[str, Any]
) -> None:
    assert re.fullmatch(r"[a-z_]+", operation["operationId"])
    assert operation["summary"]
    responses = operation["responses"]
    if not path.startswith(("/health", "/readyz", "/api/health")):
        assert path == "/api/admin/auth/logout" or "400" in responses or "401" in responses
    if "{" in path:
        assert "404" in responses
    for status, response in responses.items():
        for media_type, content in response.get("content", {}).items():
            if media_type == "text/csv":
                continue
            assert content.get("examples"), f"{status} has no example"
            check_examples(content)
    for content in operation.get("requestBody", {}).get("content", {}).values():
        assert content.get("examples"), "the body has no example"
        check_examples(content)


def check_examples(content: dict[str, Any]) -> None:
    schema = {**content["schema"], "components": document()["components"]}
    for example in content["examples"].values():
        jsonschema_rs.validator_for(schema).validate(example["value"])


def test_ids_are_unique() -> None:
    ids = [operation["operationId"] for _path, _method, operation in OPERATIONS]
    assert len(ids) == len(set(ids))


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/openapi", "/redoc"])
def test_the_pages_need_nothing_from_elsewhere(client: Client, path: str) -> None:
    page = client.get(path)
    assert page.status_code == 200
    sources = re.findall(r"""(?:src|href)=["']([^"']+)""", page.content.decode())
    assert sources
    for source in sources:
        assert source.startswith(("/static/", "/openapi", "data:")), source
        if not source.startswith("data:"):
            asset = client.get(source)
            asset.close()
            assert asset.status_code == 200, source
    assert client.get("/openapi.json").json()["paths"]


# --- Nobody reaches what is another operator's --------------------------------------------------
class Belongings:
    """One of everything, of an operator that the caller has nothing to do with."""

    def __init__(self) -> None:
        now = clock.now()
        self.station: Station = make_station("THEIRS", site=make_site(make_operator("theirs")))
        self.session = Session.objects.create(
            station=self.station,
            connector=connector_of(self.station),
            state="ACTIVE",
            started_at=now,
        )
        self.command = Command.objects.create(
            station=self.station, name="reset", actor_label="x", requested_at=now, expires_at=now
        )
        StationConnection.objects.create(station=self.station, epoch=1, connected_at=now)

    def path(self, template: str) -> str:
        return template.format(
            identity=self.station.identity,
            session_id=self.session.public_id,
            command_id=self.command.pk,
            latitude="13.74",
            longitude="100.53",
        )

    def body(self, operation: dict[str, Any]) -> Any:
        for content in operation.get("requestBody", {}).get("content", {}).values():
            example = next(iter(content["examples"].values()))["value"]
            if isinstance(example, dict) and "identity" in example:
                return {**example, "identity": self.station.identity}
            return example
        return None


TARGETED = [
    (path, method, operation)
    for path, method, operation in OPERATIONS
    if re.search(r"\{(identity|session_id|command_id)\}", path)
    or path
    in (
        "/api/admin/connectors/",
        "/api/chargepoints/create-connectors",
        "/api/transactions/authorize",
    )
]


@pytest.fixture
def theirs(db: None) -> Belongings:
    return Belongings()


@pytest.fixture
def other_staff(operator: Operator) -> User:
    return make_staff("other@example.com", operators=[operator])


@pytest.mark.parametrize(
    ("path", "method", "operation"), TARGETED, ids=[f"{m} {p}" for p, m, _o in TARGETED]
)
def test_what_is_foreign_is_not_there(
    path: str,
    method: str,
    operation: dict[str, Any],
    theirs: Belongings,
    other_staff: User,
    operator: Operator,
    anonymous: ApiClient,
) -> None:
    before = Station.objects.filter(pk=theirs.station.pk).values().get()
    _row, raw = make_api_key(("read", "gateway", "operate"), operator=operator)
    callers = {
        "staff": ApiClient.of(other_staff),
        "key": ApiClient(HTTP_X_API_KEY=raw),
        "staff of nobody": ApiClient.of(make_staff(operators=[])),
    }
    security = operation["security"]
    answers = {
        name: client.call(method, theirs.path(path), theirs.body(operation)).status_code
        for name, client in callers.items()
    }
    allowed = {
        "staff": {"bearerAuth": []} in security,
        "key": {"apiKeyAuth": []} in security,
        "staff of nobody": {"bearerAuth": []} in security,
    }
    assert answers == {name: 404 if allowed[name] else 403 for name in callers}
    driver = ApiClient.of(make_driver()).call(method, theirs.path(path), theirs.body(operation))
    stranger = anonymous.call(method, theirs.path(path), theirs.body(operation))
    if {} in security:
        assert (driver.status_code, stranger.status_code) == (200, 200)
        assert b'"technical":{' not in driver.content + stranger.content
    else:
        assert driver.status_code in (403, 404)
        assert stranger.status_code == 401
    assert Station.objects.filter(pk=theirs.station.pk).values().get() == before
    assert Command.objects.count() == 1


@pytest.mark.parametrize(
    "path",
    [
        "/api/chargepoints/",
        "/api/chargepoints/list",
        "/charge-points",
        "/connections",
        "/transactions",
        "/api/chargepoints/nearby/13.74/100.53",
    ],
)
def test_lists_hold_nothing_foreign(
    path: str, theirs: Belongings, other_staff: User, operator: Operator
) -> None:
    _row, raw = make_api_key(("read",), operator=operator)
    for client in (ApiClient.of(other_staff), ApiClient(HTTP_X_API_KEY=raw)):
        assert b"THEIRS" not in client.call("get", path, expect=200).content


def test_a_whitelist_question_tells_nothing_foreign(theirs: Belongings, operator: Operator) -> None:
    _row, raw = make_api_key(("gateway",), operator=operator)
    client = ApiClient(HTTP_X_API_KEY=raw)
    path = "/api/chargepoints/validate-whitelist"
    answers = [
        client.json("post", path, {"identity": identity}, expect=200)
        for identity in ("THEIRS", "NOBODYS")
    ]
    assert answers[0] == answers[1]


def test_an_inactive_operators_key_is_none(operator: Operator) -> None:
    _row, raw = make_api_key(("read",), operator=operator)
    Operator.objects.filter(pk=operator.pk).update(is_active=False)
    ApiClient(HTTP_X_API_KEY=raw).call("get", "/connections", expect=401)
