"""Health: which part is down, how fast the others are, and who is told to go elsewhere."""

import threading
from collections.abc import Iterator
from unittest.mock import patch

import pytest

from csms import health
from csms.common import clock
from ocpp_gateway.models import GatewayNode
from tests.api.client import ApiClient

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _look_again() -> Iterator[None]:
    health.examiner.forget()
    yield
    health.examiner.forget()


@pytest.mark.parametrize("path", ["/health", "/api/health"])
def test_every_part_with_its_latency(anonymous: ApiClient, path: str) -> None:
    now = clock.now()
    GatewayNode.objects.create(host="gw", process_id=1, started_at=now, heartbeat_at=now)
    report = anonymous.json("get", path, expect=200)
    assert report["status"] == "up", report
    assert set(report["parts"]) == {"database", "cache", "broker", "channel_layer", "gateway"}
    assert all(part["latency_ms"] >= 0 for part in report["parts"].values())
    assert report["version"]


def test_without_a_gateway_it_is_degraded(anonymous: ApiClient) -> None:
    report = anonymous.json("get", "/health", expect=200)
    assert (report["status"], report["parts"]["gateway"]["status"]) == ("degraded", "down")


@pytest.mark.parametrize("path", ["/health", "/readyz"])
def test_without_the_database_it_is_down(anonymous: ApiClient, path: str) -> None:
    def away() -> None:
        raise OSError("password=hunter2")

    with patch.dict(health.CHECKS, {"database": away}):
        response = anonymous.call("get", path, expect=503)
    assert response.json()["status"] == "down"
    assert b"hunter2" not in response.content


def test_a_part_that_hangs_costs_a_bounded_time(
    anonymous: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "TIMEOUT_SECONDS", 0.05)
    end, calls = threading.Event(), []

    def hang() -> dict[str, str]:
        calls.append(1)
        end.wait(10)
        return {}

    with patch.dict(health.CHECKS, {"cache": hang}):
        reports = [anonymous.json("get", "/health") for _ in range(3)]
        end.set()
    assert [r["parts"]["cache"]["detail"] for r in reports] == [{"error": "no answer"}] * 3
    assert len(calls) == 1


def test_liveness_looks_at_nothing(anonymous: ApiClient) -> None:
    with patch.object(health.examiner, "examine", side_effect=AssertionError):
        assert anonymous.json("get", "/healthz", expect=200) == {"status": "up"}
