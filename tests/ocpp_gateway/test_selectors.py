"""Who sees which connections and frames of the gateway."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser

from chargepoints.services import commands
from csms.common.clock import now
from ocpp_gateway import selectors
from ocpp_gateway.services import leases
from ocpp_gateway.services.sending import GATEWAY, prepare
from ocpp_gateway.versions import V16
from tests.support.factories import make_driver, make_staff, make_station, make_superadmin


@pytest.mark.django_db
def test_open_connections_are_seen_by_those_who_run_the_station() -> None:
    node = uuid4()
    leases.beat(node, host="here", process_id=1, started_at=now(), at=now())
    mine, foreign, gone = (make_station(identity) for identity in ("A", "B", "C"))
    held = {
        station.pk: leases.take(station.pk, node, version="ocpp1.6", address="", at=now())
        for station in (mine, foreign, gone)
    }
    leases.release(gone.pk, held[gone.pk].epoch, code=1000, at=now())
    commands.request(mine, "clear_cache", {}, actor=GATEWAY)
    prepare(mine.pk, held[mine.pk].epoch, V16)

    def seen(caller: object) -> list[tuple[str, str | None]]:
        found = selectors.connections_visible_to(caller)  # type: ignore[arg-type]
        return [(c.station.identity, c.in_flight) for c in found]  # type: ignore[attr-defined]

    assert seen(make_superadmin()) == [("A", "ClearCache"), ("B", None)]
    assert seen(make_staff(operators=[mine.site.operator])) == [("A", "ClearCache")]
    assert seen(make_driver()) == seen(AnonymousUser()) == []
