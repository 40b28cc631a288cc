"""Paying for a session over the API, which is refused as yet."""

import pytest

from chargepoints.models import Station
from csms.common import clock
from tests.api.charging.support import begun
from tests.api.client import ApiClient
from tests.transactions import support
from transactions.models import Session

pytestmark = pytest.mark.django_db


def test_paying_is_refused_clearly(app: ApiClient, station: Station) -> None:
    row = begun(app, station)
    path = f"/api/transactions/{row.public_id}/payment"

    def pay() -> str:
        return str(app.json("post", path, {"method": "PROMPTPAY"}, expect=409)["code"])

    for unknown in ("GOLD", "promptpay"):
        app.call("post", path, {"method": unknown}, expect=400)
    assert pay() == "session_not_ended"
    support.stop(station, row.pk, clock.now())
    assert pay() == "payments_not_available"
    Session.objects.update(is_held=True)
    assert pay() == "session_held"
