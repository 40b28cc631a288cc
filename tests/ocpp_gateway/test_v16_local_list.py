"""The local authorization list and the configuration, over the wire."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from accounts.domain.states import IdTokenStatus
from accounts.models import IdToken
from chargepoints.domain.states import CommandStatus
from chargepoints.models import (
    Command,
    ConfigurationValue,
    LocalList,
    LocalListEntry,
    LocalListUpdate,
    Station,
    StationAnomaly,
)
from csms.common import clock
from ocpp_gateway.versions.timestamps import wire_time
from tests.ocpp_gateway.servers import Charger, until
from tests.ocpp_gateway.test_outbox import becomes, request
from tests.support.factories import make_id_token, make_operator


def confirmed() -> dict[str, str]:
    return dict(LocalListEntry.objects.values_list("token", "status"))


def answered(socket: Charger, status: str = "Accepted") -> dict[str, Any]:
    """Answer our next SendLocalList and return it."""
    ours = socket.receive()
    assert ours[2] == "SendLocalList"
    socket.send([3, ours[1], {"status": status}])
    payload: dict[str, Any] = ours[3]
    return payload


def settled(count: int) -> None:
    until(lambda: Command.objects.exclude(status__in=["QUEUED", "SENT"]).count() == count)


def tags(payload: dict[str, Any]) -> list[str]:
    return [entry["idTag"] for entry in payload.get("localAuthorizationList", [])]


def test_the_first_list_is_whole_and_the_next_a_difference(
    socket: Charger, station: Station
) -> None:
    expires_at = clock.now() + timedelta(days=1)
    make_id_token("GOOD", group="FLEET", expires_at=expires_at)
    make_id_token("BAD", status=IdTokenStatus.BLOCKED.value, operator=station.site.operator)
    make_id_token("FOREIGN", operator=make_operator())
    make_id_token("TOO-LONG-FOR-OCPP-1.6-TAGS")
    request(station, "send_local_list")
    assert answered(socket) == {
        "listVersion": 1,
        "updateType": "Full",
        "localAuthorizationList": [
            {"idTag": "BAD", "idTagInfo": {"status": "Blocked"}},
            {
                "idTag": "GOOD",
                "idTagInfo": {
                    "status": "Accepted",
                    "expiryDate": wire_time(expires_at),
                    "parentIdTag": "FLEET",
                },
            },
        ],
    }
    settled(1)
    assert confirmed() == {"BAD": "Blocked", "GOOD": "Accepted"}

    IdToken.objects.filter(token="GOOD").update(operator=make_operator())
    IdToken.objects.filter(token="BAD").update(status=IdTokenStatus.ACCEPTED.value)
    request(station, "send_local_list", update_type="differential")
    assert answered(socket) == {
        "listVersion": 2,
        "updateType": "Differential",
        "localAuthorizationList": [
            {"idTag": "GOOD"},
            {"idTag": "BAD", "idTagInfo": {"status": "Accepted"}},
        ],
    }
    settled(2)
    assert confirmed() == {"BAD": "Accepted"}
    local_list = LocalList.objects.get()
    assert (local_list.version, local_list.is_in_step, local_list.needs_full) == (2, True, False)


def test_case_76_a_long_list_goes_out_in_parts(socket: Charger, station: Station) -> None:
    for number in range(7):
        make_id_token(f"CARD{number}")
    read = request(station, "get_configuration")
    ours = socket.receive()
    maximum = {"key": "SendLocalListMaxLength", "readonly": True, "value": "3"}
    socket.send([3, ours[1], {"configurationKey": [maximum]}])
    becomes(read, CommandStatus.ACCEPTED)
    request(station, "send_local_list")
    parts = [answered(socket) for _part in range(3)]
    settled(4)
    assert [(part["updateType"], part["listVersion"]) for part in parts] == [
        ("Full", 1),
        ("Differential", 2),
        ("Differential", 3),
    ]
    assert [len(tags(part)) for part in parts] == [3, 3, 1]
    assert len(confirmed()) == 7
    assert LocalList.objects.get().is_in_step


@pytest.mark.parametrize("refusal", ["VersionMismatch", "Failed"])
def test_case_76_a_refused_difference_is_repaired_by_a_whole_list(
    socket: Charger, station: Station, refusal: str
) -> None:
    make_id_token("CARD1")
    request(station, "send_local_list")
    answered(socket)
    settled(1)
    make_id_token("CARD2")
    request(station, "send_local_list")
    assert answered(socket, refusal)["updateType"] == "Differential"
    repair = answered(socket, refusal)
    assert (repair["updateType"], repair["listVersion"]) == ("Full", 3)
    assert tags(repair) == ["CARD1", "CARD2"]
    settled(3)
    # A whole list that is refused too is not repeated for ever.
    assert StationAnomaly.objects.get().kind == "local_list_refused"
    assert confirmed() == {"CARD1": "Accepted"}
    request(station, "send_local_list")
    assert answered(socket)["updateType"] == "Full"
    settled(4)
    assert set(confirmed()) == {"CARD1", "CARD2"}


def test_an_unanswered_list_is_followed_by_a_whole_one(socket: Charger, station: Station) -> None:
    make_id_token("CARD1")
    request(station, "send_local_list")
    answered(socket)
    settled(1)
    request(station, "send_local_list")
    ours = socket.receive()
    socket.send([4, ours[1], "InternalError", "", {}])
    settled(2)
    request(station, "send_local_list")
    assert answered(socket)["updateType"] == "Full"
    assert LocalListUpdate.objects.count() == 3


@pytest.mark.parametrize(("reported", "is_full"), [(1, False), (0, True), (9, True), (-1, True)])
def test_the_version_that_the_charger_reports(
    socket: Charger, station: Station, reported: int, is_full: bool
) -> None:
    make_id_token("CARD1")
    request(station, "send_local_list")
    answered(socket)
    settled(1)
    asked = request(station, "get_local_list_version")
    ours = socket.receive()
    assert ours[2:] == ["GetLocalListVersion", {}]
    socket.send([3, ours[1], {"listVersion": reported}])
    becomes(asked, CommandStatus.ACCEPTED)
    assert LocalList.objects.get().reported_version == reported
    assert StationAnomaly.objects.exists() == is_full
    request(station, "send_local_list")
    following = answered(socket)
    assert (following["updateType"] == "Full") == is_full
    assert following["listVersion"] == max(reported, 1) + 1


def test_case_77_a_change_that_needs_a_restart_is_marked_until_the_boot(
    socket: Charger, station: Station, becomes_known: Callable[[], dict[str, Any]]
) -> None:
    changes = (
        ("HeartbeatInterval", "60", "Accepted"),
        ("AuthorizationKey", "0123456789abcdef", "RebootRequired"),
        ("Colour", "red", "Rejected"),
    )
    for count, (key, value, status) in enumerate(changes, start=1):
        request(station, "set_configuration", key=key, value=value)
        ours = socket.receive()
        socket.send([3, ours[1], {"status": status}])
        settled(count)
    assert becomes_known() == {
        "HeartbeatInterval": ("60", False),
        "AuthorizationKey": ("***", True),
    }
    socket.boot()
    assert becomes_known()["AuthorizationKey"] == ("***", False)


@pytest.fixture
def becomes_known(station: Station) -> Callable[[], dict[str, Any]]:
    def read() -> dict[str, Any]:
        rows = ConfigurationValue.objects.filter(station=station)
        return {row.key: (row.value, row.needs_reboot) for row in rows}

    return read
