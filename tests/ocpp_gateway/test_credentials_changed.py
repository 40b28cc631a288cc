"""Who is connected was let in for something: once a person takes that away, it signs in again."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from chargepoints.domain.states import CommandStatus
from chargepoints.models import Command, Station
from chargepoints.services import commands, stations
from csms.common import clock
from csms.common.csv_input import Problems
from csms.common.identifiers import uuid7
from csms.imports.chargepoints import import_chargepoints
from ocpp_gateway.models import StationConnection
from ocpp_gateway.services import leases
from ocpp_gateway.services.sending import GATEWAY
from tests.ocpp_gateway.servers import Charger, GatewayServer, charger, refused, until
from tests.ocpp_gateway.test_presence import is_online, lose_nudges
from tests.support.factories import make_station

NEW = "another-long-password"


def set_by_hand(password: str | None = None, **changes: Any) -> Callable[[Station], Any]:
    return lambda station: stations.update_station(
        station, actor=GATEWAY, changes=changes, password=password
    )


def set_by_import(**cells: str) -> Callable[[Station], Any]:
    def run(station: Station) -> None:
        row = {
            "identity": station.identity,
            "operator": station.site.operator.code,
            "site": station.site.name,
            **cells,
        }
        lines = (",".join(row), ",".join(row.values()))
        problems = Problems()
        import_chargepoints("\n".join(lines).encode(), actor=GATEWAY, problems=problems)
        assert not problems.shown

    return run


TAKEN_AWAY = {
    "password": set_by_hand(NEW),
    "profile": set_by_hand(security_profile=2),
    "registration": set_by_hand(registration_status="Rejected"),
    "imported password": set_by_import(password=NEW),
    "imported profile": set_by_import(security_profile="2"),
}
LEFT = {
    "name": set_by_hand(name="Ari"),
    "same profile": set_by_hand(security_profile=1),
    "lower profile": set_by_hand(security_profile=0),
    "pending": set_by_hand(registration_status="Pending"),
    "imported vendor": set_by_import(vendor="Delta", security_profile="1"),
}


def is_entitled(station: Station) -> bool:
    node_id = StationConnection.objects.get(station=station).node_id
    assert node_id is not None
    return station.pk in leases.held_by(node_id)


@pytest.mark.parametrize("is_nudge_lost", [False, True], ids=["nudge", "sweep"])
@pytest.mark.parametrize("take_away", TAKEN_AWAY.values(), ids=TAKEN_AWAY.keys())
def test_the_open_socket_is_closed(
    server: GatewayServer,
    station: Station,
    take_away: Callable[[Station], Any],
    is_nudge_lost: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if is_nudge_lost:
        lose_nudges(monkeypatch)
    with charger(server, station) as socket:
        socket.boot()
        take_away(station)
        assert socket.close_code() == 1008
    until(lambda: not is_online(station))


@pytest.mark.parametrize("change", LEFT.values(), ids=LEFT.keys())
def test_what_takes_nothing_away_leaves_the_socket_open(
    socket: Charger, station: Station, change: Callable[[Station], Any]
) -> None:
    change(station)
    assert is_entitled(station)
    assert socket.call("Heartbeat", {})


def test_the_charger_comes_back_with_the_new_password_and_stays(
    server: GatewayServer, socket: Charger, station: Station
) -> None:
    set_by_hand(NEW)(station)
    assert socket.close_code() == 1008
    assert refused(server, station) == 401
    with charger(server, station, password=NEW) as again:
        again.boot()
        assert is_entitled(station)


def test_a_lease_is_not_taken_back_after_the_change(socket: Charger, station: Station) -> None:
    held = StationConnection.objects.get()
    assert held.node_id is not None
    assert held.connected_at is not None
    assert leases.reclaim(station.pk, held.epoch, held.node_id, held.connected_at)
    Station.objects.update(credentials_changed_at=clock.now())
    assert not leases.reclaim(station.pk, held.epoch, held.node_id, held.connected_at)


def test_who_was_let_in_while_the_change_was_being_written_is_not_entitled(
    station: Station,
) -> None:
    """It showed the old password, and its lease may be younger than the change."""
    seen = Station.objects.get(pk=station.pk).credentials_changed_at
    set_by_hand(NEW)(station)
    node_id = uuid7()
    at = clock.now() + timedelta(seconds=1)
    leases.beat(node_id, host="a", process_id=1, started_at=at, at=at)
    lease = leases.take(
        station.pk, node_id, version="ocpp1.6", address="", at=at, credentials_changed_at=seen
    )
    assert leases.held_by(node_id) == {}
    assert not leases.reclaim(station.pk, lease.epoch, node_id, at)


def test_a_password_that_the_charger_itself_was_told_leaves_its_socket_open(
    server: GatewayServer,
) -> None:
    """Also where it counts at once, because the charger signs in without one."""
    station = make_station(password=None)
    with charger(server, station, password=None) as socket:
        socket.boot()
        for key, value in (("AuthorizationKey", NEW), ("SecurityProfile", "1")):
            told = {"key": key, "value": value}
            command = commands.request(station, "set_configuration", told, actor=GATEWAY)
            message_id = socket.receive()[1]
            socket.send([3, message_id, {"status": "Accepted"}])
            until(partial(_is_accepted, command.pk))
            station.refresh_from_db()
        assert station.password_hash
        assert is_entitled(station)
        assert socket.call("Heartbeat", {})
    # The first connection with both makes them count, and is one of them.
    with charger(server, station, password=NEW) as socket:
        socket.boot()
        assert Station.objects.get(pk=station.pk).security_profile == 1
        assert is_entitled(station)


def _is_accepted(command_id: Any) -> bool:
    return Command.objects.get(pk=command_id).status == CommandStatus.ACCEPTED
