"""Figures for Prometheus: right, and for nobody outside."""

import re
from typing import Any

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings
from rest_framework.settings import api_settings

from csms.settings.env import parse_networks
from tests.support.factories import connector_of, make_station
from transactions.models import Session

pytestmark = pytest.mark.django_db


def figures(client: Client) -> dict[tuple[str, str], float]:
    """(name, labels) to value, read by the library's own parser."""
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain; version=")
    assert response["Cache-Control"] == "private, no-store"
    return {
        (sample.name, ",".join(f"{n}={v}" for n, v in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(response.content.decode())
        for sample in family.samples
    }


def test_what_is_counted(client: Client) -> None:
    station = make_station(is_online=True)
    make_station()
    Session.objects.create(station=station, connector=connector_of(station), state="PENDING")
    client.get(f"/api/chargepoints/{station.public_code}")
    before = figures(client)
    client.get(f"/api/chargepoints/{station.public_code}")
    client.get("/api/chargepoints/NOBODY")
    client.get("/nowhere")
    after = figures(client)
    route = "method=GET,route=/api/chargepoints/<identity:identity>"
    for status, more in (("200", 1), ("404", 1)):
        key = ("csms_http_requests_total", f"{route},status={status}")
        assert after[key] - before.get(key, 0) == more
    counted = ("csms_http_request_seconds_count", route)
    assert after[counted] - before[counted] == 2
    assert ("csms_http_requests_total", "method=GET,route=none,status=404") in after
    assert after["csms_stations", ""] == 2
    assert after["csms_stations_online", ""] == 1
    assert after["csms_commands_waiting", "status=QUEUED"] == 0
    assert any(name == "process_resident_memory_bytes" for name, _labels in after)
    assert not any(station.public_code in labels for _name, labels in after)


@pytest.mark.parametrize(
    ("peer", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("::ffff:127.0.0.1", {}, 200),
        ("203.0.113.7", {}, 404),
        ("10.0.0.7", {}, 404),
        ("127.0.0.1", {"HTTP_X_FORWARDED_FOR": "203.0.113.7"}, 404),
        ("203.0.113.7", {"HTTP_X_FORWARDED_FOR": "127.0.0.1"}, 404),
        ("203.0.113.7", {"HTTP_AUTHORIZATION": "Bearer "}, 404),
        ("203.0.113.7", {"HTTP_AUTHORIZATION": "Bearer wrong"}, 404),
        ("", {}, 404),
    ],
)
def test_T64_closed_to_the_outside(
    client: Client, peer: str, headers: dict[str, Any], status: int
) -> None:
    response = client.get("/metrics", REMOTE_ADDR=peer, **headers)
    assert response.status_code == status
    assert (b"csms_" in response.content) == (status == 200)


def test_T64_opened_by_network_or_token(
    client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.METRICS_ALLOWED_NETWORKS = parse_networks("METRICS_ALLOWED_NETWORKS", ["10.1.0.0/16"])
    settings.METRICS_TOKEN = "a-token-of-monitoring"
    assert client.get("/metrics", REMOTE_ADDR="10.1.2.3").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="10.2.2.3").status_code == 404
    bearer: dict[str, Any] = {"HTTP_AUTHORIZATION": "Bearer a-token-of-monitoring"}
    assert client.get("/metrics", REMOTE_ADDR="203.0.113.7", **bearer).status_code == 200
    assert client.post("/metrics", REMOTE_ADDR="10.1.2.3").status_code == 404
    monkeypatch.setattr(api_settings, "NUM_PROXIES", 1, raising=False)
    behind: dict[str, Any] = {"REMOTE_ADDR": "172.30.57.2", "HTTP_X_FORWARDED_FOR": "10.1.9.9"}
    assert client.get("/metrics", **behind).status_code == 200
    behind["HTTP_X_FORWARDED_FOR"] = "10.1.9.9, 203.0.113.7"
    assert client.get("/metrics", **behind).status_code == 404


def test_T64_no_secret_and_no_identity(client: Client, settings: Settings) -> None:
    station = make_station("TH-BKK-4711")
    settings.METRICS_TOKEN = "a-token-of-monitoring"
    client.get(f"/api/chargepoints/{station.identity}?q=a-secret-search")
    text = client.get("/metrics").content.decode()
    for secret in ("TH-BKK-4711", "a-secret-search", "a-token-of-monitoring", settings.SECRET_KEY):
        assert secret not in text
    assert not re.search(r"postgres://|redis://", text)
