"""Reservations over the wire."""

from datetime import timedelta

import pytest

from chargepoints.domain.states import CommandStatus
from chargepoints.models import Command, Station
from csms.common import clock
from ocpp_gateway.versions.timestamps import wire_time
from tests.ocpp_gateway.servers import Charger, until
from tests.ocpp_gateway.test_outbox import becomes, request
from tests.support.factories import make_id_token
from transactions.models import Reservation


@pytest.fixture
def reservation(socket: Charger, station: Station) -> Reservation:
    """A place that the charger holds."""
    make_id_token("CARD", group="FLEET")
    expires_at = clock.now() + timedelta(hours=1)
    command = request(
        station, "reserve", evse_id=1, id_token="CARD", expires_at=expires_at.isoformat()
    )
    ours = socket.receive()
    assert ours[2:] == [
        "ReserveNow",
        {
            "connectorId": 1,
            "expiryDate": wire_time(expires_at),
            "idTag": "CARD",
            "parentIdTag": "FLEET",
            "reservationId": 1,
        },
    ]
    socket.send([3, ours[1], {"status": "Accepted"}])
    becomes(command, CommandStatus.ACCEPTED)
    found = Reservation.objects.get(command=command)
    assert found.state == "ACTIVE"
    return found


def test_reserve_now_and_a_start_with_it(socket: Charger, reservation: Reservation) -> None:
    begun = socket.start("CARD", reservationId=reservation.reservation_id)
    reservation.refresh_from_db()
    assert (reservation.state, reservation.session_id) == ("USED", begun["transactionId"])


def test_reserve_now_and_its_cancellation(
    socket: Charger, station: Station, reservation: Reservation
) -> None:
    command = request(station, "cancel_reservation", reservation_id=reservation.reservation_id)
    ours = socket.receive()
    assert ours[2:] == ["CancelReservation", {"reservationId": 1}]
    socket.send([3, ours[1], {"status": "Accepted"}])
    becomes(command, CommandStatus.ACCEPTED)
    reservation.refresh_from_db()
    assert (reservation.state, reservation.detail) == ("CANCELLED", "")


@pytest.mark.parametrize("status", ["Faulted", "Occupied", "Rejected", "Unavailable"])
def test_a_refused_reservation_says_why(socket: Charger, station: Station, status: str) -> None:
    make_id_token("CARD")
    expires_at = (clock.now() + timedelta(hours=1)).isoformat()
    request(station, "reserve", id_token="CARD", expires_at=expires_at)
    ours = socket.receive()
    assert ours[3]["connectorId"] == 0
    socket.send([3, ours[1], {"status": status}])
    until(lambda: Reservation.objects.filter(state="REJECTED", detail=status).exists())


def test_an_expired_reservation_is_not_sent(socket: Charger, station: Station) -> None:
    """The socket is busy with another request until the reservation has been ended."""
    make_id_token("CARD")
    request(station)
    ours = socket.receive()
    expires_at = (clock.now() + timedelta(hours=1)).isoformat()
    command = request(station, "reserve", id_token="CARD", expires_at=expires_at)
    Reservation.objects.update(state="EXPIRED")
    socket.send([3, ours[1], {"status": "Accepted"}])
    assert "EXPIRED" in becomes(command, CommandStatus.FAILED).error
    assert Command.objects.filter(action="ReserveNow").count() == 0
