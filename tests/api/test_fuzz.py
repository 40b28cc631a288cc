"""Whatever is sent, the answer is one that the document names, and never a fault of ours."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Operator
from chargepoints.models import Station
from tests.api.client import ApiClient
from tests.api.test_schema import OPERATIONS, Belongings
from tests.support.factories import make_api_key, make_superadmin

pytestmark = pytest.mark.django_db
FUZZED = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
ODD_TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        [
            "",
            " ",
            "\x00",
            "%",
            "'",
            '"',
            "../..",
            "NaN",
            "1e400",
            "-1",
            "9" * 40,
            "ก" * 300,
            "\u202e",
            "{{7*7}}",
            "<script>",
            "a" * 5000,
            "2026-13-45",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59+14:00",
            "true",
        ]
    ),
)
ODD_VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        ODD_TEXTS,
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


def mutated(draw: Any, value: Any) -> Any:
    """`value` with some of its parts replaced, left out, or added."""
    if draw(st.integers(0, 5)) == 0:
        return draw(ODD_VALUES)
    if isinstance(value, dict):
        kept = {k: mutated(draw, v) for k, v in value.items() if draw(st.integers(0, 9))}
        if draw(st.integers(0, 9)) == 0:
            kept[draw(st.text(max_size=10))] = draw(ODD_VALUES)
        return kept
    if isinstance(value, list):
        return [mutated(draw, item) for item in value]
    return value


@pytest.fixture
def clients(operator: Operator) -> list[ApiClient]:
    _row, raw = make_api_key(("read", "gateway", "operate"))
    return [ApiClient.of(make_superadmin()), ApiClient(HTTP_X_API_KEY=raw)]


WRITES = [
    (path, method, operation)
    for path, method, operation in OPERATIONS
    if "requestBody" in operation
]
READS = [(p, o) for p, m, o in OPERATIONS if m == "get" and o.get("parameters")]


@pytest.fixture(autouse=True)
def _no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "csms.common.api.throttling.WindowThrottle.allow_request", lambda *_arguments: True
    )


@pytest.mark.parametrize(
    ("path", "method", "operation"), WRITES, ids=[f"{m} {p}" for p, m, _o in WRITES]
)
@FUZZED
@given(data=st.data())
def test_bodies(
    path: str, method: str, operation: dict[str, Any], clients: list[ApiClient], data: Any
) -> None:
    theirs = belongings()
    body = mutated(data.draw, theirs.body(operation))
    for client in clients:
        client.call(method, theirs.path(path), body)


@pytest.mark.parametrize(("path", "operation"), READS, ids=[p for p, _o in READS])
@FUZZED
@given(data=st.data())
def test_queries(path: str, operation: dict[str, Any], clients: list[ApiClient], data: Any) -> None:
    theirs = belongings()
    names = [
        p["name"] for p in operation["parameters"] if p["in"] == "query" and p["name"] != "wait"
    ]
    query = (
        data.draw(st.dictionaries(st.sampled_from(names), ODD_TEXTS, max_size=4)) if names else {}
    )
    for client in clients:
        response = client.get(theirs.path(path), query)
        client.check("get", theirs.path(path), response)


@FUZZED
@given(latitude=ODD_TEXTS, longitude=ODD_TEXTS)
def test_places(clients: list[ApiClient], latitude: str, longitude: str) -> None:
    for client in clients:
        assert client.get(f"/api/chargepoints/nearby/{latitude}/{longitude}").status_code < 500
        assert client.get(f"/api/chargepoints/{latitude}").status_code < 500


def belongings() -> Belongings:
    """Those of this test: the examples of one test share its transaction."""
    if not Station.objects.filter(identity="THEIRS").exists():
        return Belongings()
    found = Belongings.__new__(Belongings)
    found.station = Station.objects.get(identity="THEIRS")
    found.session = found.station.sessions.get()
    found.command = found.station.commands.filter(actor_label="x").get()
    return found
