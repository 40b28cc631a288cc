"""What a charger's connection and boot cost the database: thousands come back at once."""

from types import SimpleNamespace
from typing import Any

import pytest

from chargepoints.domain.reports import BootReport
from chargepoints.models import Station
from chargepoints.selectors.identities import by_identity
from csms.common.clock import now
from csms.common.identifiers import uuid7
from ocpp_gateway.auth import Admission, admit
from ocpp_gateway.dispatch import ROUTES
from ocpp_gateway.handshake import Credentials, UpgradeRequest
from ocpp_gateway.models import StationConnection
from ocpp_gateway.services import leases
from tests.support.factories import STATION_PASSWORD, make_station

pytestmark = pytest.mark.django_db


@pytest.fixture
def node() -> Any:
    node_id = uuid7()
    leases.beat(node_id, host="here", process_id=1, started_at=now(), at=now())
    return node_id


def upgrade(identity: str) -> UpgradeRequest:
    return UpgradeRequest(
        identity=identity,
        subprotocols=("ocpp1.6",),
        query_version="",
        credentials=Credentials(identity.encode(), STATION_PASSWORD.encode()),
        certificate=None,
        is_secure=False,
        address="192.0.2.1",
    )


def test_a_station_that_comes_back_is_admitted_and_boots_in_few_statements(
    node: Any, django_assert_num_queries: Any
) -> None:
    station = make_station("TH-BKK-0001")
    first = admit(upgrade("th-bkk-0001"), node, now())
    assert isinstance(first, Admission)
    assert leases.release(station.pk, first.lease.epoch, code=1000, at=now())
    # Station; lease read and written; commands in flight; online.
    with django_assert_num_queries(5):
        again = admit(upgrade("TH-BKK-0001"), node, now())
    assert isinstance(again, Admission)
    assert (again.lease.epoch, again.lease.rival) == (2, None)
    assert again.operator_id == station.site.operator_id
    socket = SimpleNamespace(
        station_id=station.pk,
        will_boot_as_asked=False,
        has_booted=False,
        adopt=lambda _quirks: None,
    )
    report = BootReport(received_at=now(), vendor="Delta", model="Ultra")
    # Station read and written; settings that waited for the boot; sessions. Two are the savepoint,
    # which is the transaction outside of tests.
    with django_assert_num_queries(4 + 2):
        ROUTES[BootReport].handler(socket, report)
    # Lease, commands in flight, offline.
    with django_assert_num_queries(3):
        assert leases.release(station.pk, 2, code=1000, at=now())
    held = StationConnection.objects.get()
    assert (held.epoch, held.node_id, held.close_code) == (2, node, 1000)
    station.refresh_from_db()
    assert (station.is_online, station.vendor, station.ocpp_version) == (False, "Delta", "ocpp1.6")


def test_a_station_is_found_as_the_model_has_it() -> None:
    make_station("TH-BKK-0002")
    station = make_station("TH-bkk-0001", allowed_versions=["ocpp1.6", "ocpp2.0.1"])
    found = by_identity("th-BKK-0001")
    assert found is not None
    for field in Station._meta.concrete_fields:
        expected = getattr(Station.objects.get(pk=station.pk), field.attname)
        assert getattr(found[0], field.attname) == expected, field.name
    assert found[1:] == (station.site.operator_id, None)
    Station.objects.filter(pk=station.pk).update(archived_at=now())
    assert by_identity("TH-bkk-0001") is None
