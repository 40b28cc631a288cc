"""T41: a field that an operation does not offer does nothing, whatever the models call it.

Generated from the OpenAPI document and the models: each write twice from the same start, once as
its example says and once with every field of every model beside it. Both leave the same rows.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.apps import apps
from django.db import models, transaction
from django.db.models import QuerySet

from tests.api.operations import OPERATIONS, Operation, Rows, asked

pytestmark = pytest.mark.django_db
APPS = ("accounts", "chargepoints", "transactions", "payments", "invoicing", "ocpp_gateway")
WRITES = [o for o in OPERATIONS if o.method != "get" and isinstance(o.example, dict)]
# Chance, or when it happened: differs between any two runs.
CHANCE = (models.DateTimeField, models.UUIDField)
CHANCE_NAMES = {
    "public_code",
    "password",
    "password_hash",
    "key_hash",
    "prefix",
    "request_id",
    "last_t",
    "password_mark",
    "secret_hash",
    "token_hash",
    "digest",
}
# Ids, tokens of the app and moments inside of values.
BY_CHANCE = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[A-Z0-9]{20}\b|20\d\d-[\d:.T+-]+"
)
ABSENT = "what-nobody-offered"


@pytest.fixture(autouse=True)
def _no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "csms.common.api.throttling.WindowThrottle.allow_request", lambda *_arguments: True
    )


def every_field() -> dict[str, Any]:
    """A value that would be seen for every field of every model, and for names of power."""
    found: dict[str, Any] = {
        "balance": "987654.32",
        "price": "0.01",
        "amount": "0.01",
        "role": "SUPERADMIN",
        "is_staff": True,
        "is_superuser": True,
        "operator": ABSENT,
        "status": "Accepted",
        "pk": 987654,
    }
    for name in APPS:
        for model in apps.get_app_config(name).get_models():
            for field in model._meta.concrete_fields:
                found.setdefault(field.name, hostile(field))
                found.setdefault(field.attname, hostile(field))
    return found


def hostile(field: "models.Field[Any, Any]") -> Any:
    if isinstance(field, models.BooleanField):
        return not field.get_default()
    if field.choices:
        first = next(iter(field.choices))
        return first[0]
    if isinstance(field, models.DecimalField):
        return "0.01"
    if isinstance(field, models.IntegerField | models.ForeignKey):
        return 987654
    if isinstance(field, models.DateTimeField):
        return "2001-01-01T00:00:00Z"
    if isinstance(field, models.JSONField):
        return [ABSENT]
    return ABSENT


def offered(operation: Operation) -> set[str]:
    return set((operation.body_schema or {}).get("properties", {}))


def contents() -> dict[str, list[tuple[Any, ...]]]:
    """All rows, without keys and chance, in an order of their own."""
    return {
        model.__name__: sorted(plain(model._default_manager.all()), key=repr)
        for name in APPS
        for model in apps.get_app_config(name).get_models()
    }


def plain(rows: QuerySet[Any]) -> Iterator[tuple[Any, ...]]:
    names = [
        field.attname
        for field in rows.model._meta.concrete_fields
        if not (field.primary_key or isinstance(field, (*CHANCE, models.ForeignKey)))
        and field.name not in CHANCE_NAMES
    ]
    for row in rows.values_list(*names) if names else ():
        yield tuple(BY_CHANCE.sub("…", repr(value)) for value in row)


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def nested(body: Any, extra: dict[str, Any]) -> Any:
    """`extra` beside what is there, at every level."""
    if isinstance(body, dict):
        return {**extra, **{name: nested(value, extra) for name, value in body.items()}}
    if isinstance(body, list):
        return [nested(item, extra) for item in body]
    return body


@pytest.mark.parametrize("operation", WRITES, ids=lambda operation: operation.name)
def test_T41_fields_that_are_not_offered_do_nothing(operation: Operation) -> None:
    rows = Rows("OWN")
    request = asked(operation, rows)
    client, path, body = request.client, request.path, in_time(request.body)
    extra = {n: v for n, v in every_field().items() if n not in offered(operation)}
    assert {"balance", "is_staff", "price"} <= set(extra)
    with undone():
        before = contents()
        honest = client.call(operation.method, path, body)
        with_example = contents()
    is_refused = operation.name in REFUSED
    assert (
        (honest.status_code in REFUSED[operation.name])
        if is_refused
        else (honest.status_code < 300)
    ), honest.content
    for sent in ({**extra, **body}, without_free_parts(operation, nested(body, extra), body)):
        with undone():
            answer = client.call(operation.method, path, sent)
            after = contents()
        assert answer.status_code in (honest.status_code, 400), answer.content
        is_same = answer.status_code == honest.status_code
        assert after == (with_example if is_same else before)


# Parts that are the caller's own to fill: what a charger is sent, opening hours by day.
FREE_PARTS = {"payload", "frame", "opening_hours", "charging_profile"}


def without_free_parts(operation: Operation, sent: Any, body: Any) -> Any:
    return {n: body[n] if n in FREE_PARTS and n in body else v for n, v in sent.items()}


# What cannot succeed here: payments are not open yet, or a code is needed that a person was sent.
# Their tests are tests/payments, tests/api/test_drivers.py, test_driver_things.py and
# test_driver_cards.py.
REFUSED = {
    "post /api/auth/oidc/{provider}": {404},
    "post /api/auth/password-reset/confirm": {400},
    "post /api/auth/verification-codes": {400},
    "post /api/auth/verify": {400},
    "post /api/id-tokens/link": {400},
    "post /api/payment/cards": {409},
    "post /api/payment/process": {409},
    "post /api/profile/deletion": {409},
    "post /api/transactions/{session_id}/payment": {409},
    "post /api/wallet/top-ups": {409},
}


def in_time(body: Any) -> Any:
    """The example's moments of long ago, in the future."""
    later = {"effective_from": "2999-01-01T00:00:00Z"}
    if "expires_at" in body and "public_code" not in body:
        later["expires_at"] = "2999-01-01T00:00:00Z"
    return {**body, **{name: value for name, value in later.items() if name in body}}


def test_T41_the_fields_of_power_are_among_those_that_are_sent() -> None:
    sent = every_field()
    for name in ("is_staff", "role", "operator", "status", "balance", "state", "total_gross"):
        assert name in sent
    assert len(sent) > 150
