"""OCA test cases of the local authorization list."""

from typing import Any

from chargepoints.models import LocalList, LocalListEntry, StationAnomaly
from tests.ocpp_gateway.contract import CARD, Bench
from tests.support.factories import make_id_token

ENTRY = {"idTag": CARD, "idTagInfo": {"status": "Accepted"}}


def confirmed() -> set[str]:
    return set(LocalListEntry.objects.values_list("token", flat=True))


def version(bench: Bench, number: int) -> dict[str, Any]:
    """Ask for the version of the list, and let the charge point answer with `number`."""
    answer = {"listVersion": number}
    return bench.does("get_local_list_version", "GetLocalListVersion", answer)


def test_TC_042_1_get_local_list_version_not_supported(bench: Bench) -> None:
    assert version(bench, -1) == {}
    local_list = LocalList.objects.get()
    assert (local_list.reported_version, local_list.is_in_step) == (-1, False)


def test_TC_042_2_get_local_list_version_empty(bench: Bench) -> None:
    assert version(bench, 0) == {}
    local_list = LocalList.objects.get()
    assert (local_list.reported_version, local_list.version) == (0, 0)
    assert not StationAnomaly.objects.exists()


def test_TC_043_1_send_local_list_not_supported(bench: Bench) -> None:
    sent = bench.does(
        "send_local_list", "SendLocalList", refusal="NotSupported", update_type="full"
    )
    assert (sent["updateType"], sent["localAuthorizationList"]) == ("Full", [ENTRY])
    assert confirmed() == set()


def test_TC_043_3_send_local_list_failed(bench: Bench) -> None:
    sent = bench.does("send_local_list", "SendLocalList", refusal="Failed", update_type="full")
    assert sent["updateType"] == "Full"
    assert (confirmed(), LocalList.objects.get().needs_full) == (set(), True)


def test_TC_043_4_send_local_list_full(bench: Bench) -> None:
    make_id_token("OTHER", group="FLEET")
    version(bench, 0)
    sent = bench.does("send_local_list", "SendLocalList", update_type="full")
    assert sent == {
        "listVersion": 1,
        "updateType": "Full",
        "localAuthorizationList": [
            ENTRY,
            {"idTag": "OTHER", "idTagInfo": {"status": "Accepted", "parentIdTag": "FLEET"}},
        ],
    }
    version(bench, sent["listVersion"])
    local_list = LocalList.objects.get()
    assert (local_list.version, local_list.is_in_step) == (1, True)
    assert confirmed() == {CARD, "OTHER"}
    assert not StationAnomaly.objects.exists()


def test_TC_043_5_send_local_list_differential(bench: Bench) -> None:
    before = bench.does("send_local_list", "SendLocalList", update_type="full")["listVersion"]
    version(bench, before)
    make_id_token("NEW")
    sent = bench.does("send_local_list", "SendLocalList", update_type="differential")
    assert sent["listVersion"] > before
    assert sent["updateType"] == "Differential"
    assert sent["localAuthorizationList"] == [{"idTag": "NEW", "idTagInfo": {"status": "Accepted"}}]
    assert confirmed() == {CARD, "NEW"}
