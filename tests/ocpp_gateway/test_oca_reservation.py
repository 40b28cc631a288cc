"""OCA test cases of reservations."""

from datetime import timedelta
from typing import Any

from csms.common import clock
from ocpp_gateway.versions.timestamps import wire_time
from tests.ocpp_gateway.contract import CARD, Bench
from tests.support.factories import make_id_token
from transactions.domain.states import ReservationState
from transactions.models import Reservation
from transactions.services import reserving


def reserves(bench: Bench, connector: int = 1, refusal: str = "", token: str = CARD) -> Any:
    """Reserve for an hour; our request, without its expiry, which is checked here."""
    expires_at = clock.now() + timedelta(hours=1)
    sent = bench.does(
        "reserve",
        "ReserveNow",
        refusal=refusal,
        connector_id=connector,
        id_token=token,
        expires_at=expires_at.isoformat(),
    )
    assert sent.pop("expiryDate") == wire_time(expires_at)
    assert sent["reservationId"] > 0
    return sent


def state() -> str:
    return Reservation.objects.get().state


def test_TC_046_reservation_of_a_connector_transaction(bench: Bench) -> None:
    sent = reserves(bench)
    number = sent["reservationId"]
    assert sent == {"connectorId": 1, "idTag": CARD, "reservationId": number}
    bench.reports("Reserved")
    assert state() == ReservationState.ACTIVE
    assert bench.authorizes() == "Accepted"
    bench.reports("Preparing")
    started = bench.starts(reservationId=number)
    assert started["idTagInfo"]["status"] == "Accepted"
    bench.reports("Charging")
    reservation = Reservation.objects.get()
    assert (reservation.state, reservation.session_id) == (
        ReservationState.USED,
        started["transactionId"],
    )


def test_TC_047_reservation_of_a_connector_expire(bench: Bench) -> None:
    reserves(bench)
    bench.reports("Reserved")
    later = Reservation.objects.get().expires_at + timedelta(seconds=1)
    assert reserving.end_due(later) == 1
    bench.reports("Available")
    assert state() == ReservationState.EXPIRED
    assert bench.connector().status == "Available"


def is_refused(bench: Bench, refusal: str) -> None:
    reserves(bench, refusal=refusal)
    reservation = Reservation.objects.get()
    assert (reservation.state, reservation.detail) == (ReservationState.REJECTED, refusal)


def test_TC_048_1_reservation_of_a_connector_faulted(bench: Bench) -> None:
    is_refused(bench, "Faulted")


def test_TC_048_2_reservation_of_a_connector_occupied(bench: Bench) -> None:
    bench.reports("Preparing")
    is_refused(bench, "Occupied")


def test_TC_048_3_reservation_of_a_connector_unavailable(bench: Bench) -> None:
    available: dict[str, Any] = {"connector_id": 1, "available": False}
    sent = bench.does("change_availability", "ChangeAvailability", **available)
    assert sent == {"connectorId": 1, "type": "Inoperative"}
    bench.reports("Unavailable")
    is_refused(bench, "Unavailable")


def test_TC_048_4_reservation_of_a_connector_rejected(bench: Bench) -> None:
    is_refused(bench, "Rejected")


def test_TC_049_reservation_of_a_charge_point_transaction(bench: Bench) -> None:
    sent = reserves(bench, connector=0)
    number = sent["reservationId"]
    assert sent == {"connectorId": 0, "idTag": CARD, "reservationId": number}
    bench.reports("Reserved", 2)
    # Any connector will do for who has reserved the whole charge point.
    started = bench.starts(connectorId=2, reservationId=number)
    assert started["idTagInfo"]["status"] == "Accepted"
    assert state() == ReservationState.USED


def test_TC_051_cancel_reservation(bench: Bench) -> None:
    number = reserves(bench)["reservationId"]
    bench.reports("Reserved")
    sent = bench.does("cancel_reservation", "CancelReservation", reservation_id=number)
    assert sent == {"reservationId": number}
    bench.reports("Available")
    assert state() == ReservationState.CANCELLED


def test_TC_052_cancel_reservation_rejected(bench: Bench) -> None:
    number = reserves(bench)["reservationId"]
    bench.reports("Reserved")
    bench.does("cancel_reservation", "CancelReservation", refusal="Rejected", reservation_id=number)
    # 1.6 §5.2: the charge point holds no such reservation, so the place is free.
    assert state() == ReservationState.CANCELLED


def test_TC_053_use_a_reserved_connector_with_parent_id_tag(bench: Bench) -> None:
    make_id_token("MINE", group="FAMILY")
    make_id_token("YOURS", group="FAMILY")
    sent = reserves(bench, token="MINE")
    number = sent["reservationId"]
    assert sent == {
        "connectorId": 1,
        "idTag": "MINE",
        "parentIdTag": "FAMILY",
        "reservationId": number,
    }
    bench.reports("Reserved")
    accepted = {"idTagInfo": {"status": "Accepted", "parentIdTag": "FAMILY"}}
    assert bench.says("Authorize", idTag="YOURS") == accepted
    started = bench.starts("YOURS", reservationId=number)
    assert started["idTagInfo"] == accepted["idTagInfo"]
    bench.reports("Charging")
    assert state() == ReservationState.USED
