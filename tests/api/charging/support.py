"""What the app asks for, up to a session that has ended."""

from datetime import timedelta
from typing import Any

from chargepoints.models import Station
from csms.common import clock
from tests.api.client import ApiClient
from tests.transactions import support
from transactions.models import Session, TariffVersion

CREATE = "/api/transactions/"
TAMPERED = {
    "amount": "0.01",
    "total_gross": "0.01",
    "tariff": 999,
    "tariff_id": 999,
    "currency": "USD",
    "coupon": "FREE100",
    "promo_code": "FREE100",
    "discount": "100",
    "is_waived": True,
    "state": "ENDED",
    "driver": 1,
    "energy_wh": 0,
    "price_per_session": "0",
}


def version() -> TariffVersion:
    return TariffVersion.objects.latest("effective_from")


def asked(**fields: Any) -> dict[str, Any]:
    return {"identity": "CODE1", "tariff_version_id": version().pk, **fields}


def create(app: ApiClient, **fields: Any) -> dict[str, Any]:
    made: dict[str, Any] = app.json("post", CREATE, asked(**fields), expect=201)
    return made


def start(app: ApiClient, session: dict[str, Any]) -> dict[str, Any]:
    path = f"/api/transactions/{session['id']}/start"
    started: dict[str, Any] = app.json("post", path, expect=202)
    return started


def begun(app: ApiClient, station: Station, **fields: Any) -> Session:
    """A session that runs at the charger."""
    session = create(app, **fields)
    start(app, session)
    row = Session.objects.get(public_id=session["id"])
    evse_id = row.connector.evse.evse_id
    an_hour_ago = clock.now() - timedelta(hours=1)
    support.start(station, an_hour_ago, token=row.id_token_value, evse_id=evse_id)
    row.refresh_from_db()
    return row


def ended(app: ApiClient, station: Station, **fields: Any) -> Session:
    row = begun(app, station, **fields)
    support.stop(station, row.pk, clock.now())
    row.refresh_from_db()
    return row
