"""The operations of the OpenAPI document, and rows of somebody else for every id in them.

A new route works by itself as long as its ids have names that stand in `PATH_IDS` and `BODY_IDS`.
An id with a name of its own is added there: a function that gives the id of the row in `Rows`.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.urls import resolve

from accounts.api.tokens import issue_refresh_token
from accounts.domain.permissions import staff_may
from accounts.models import DataExport, ExternalIdentity, Operator, SignIn, User
from accounts.services.refresh_families import Device, open_family
from chargepoints.models import Alert, Command, Connector, Evse, Station
from csms.common import clock
from csms.common.api.permissions import Access
from notifications.models import PushDevice
from ocpp_gateway.models import StationConnection
from tests.api.client import ApiClient, document
from tests.support.factories import (
    PASSWORD,
    connector_of,
    make_alert,
    make_api_key,
    make_driver,
    make_id_token,
    make_operator,
    make_payment_method,
    make_site,
    make_staff,
    make_station,
    make_superadmin,
    make_tariff,
    make_tax_invoice_profile,
    make_vehicle,
    one_time_code,
)
from transactions.domain.states import ReservationState
from transactions.models import Reservation, Session, TariffVersion

METHODS = ("get", "put", "post", "delete", "patch")
SCOPES = ("read", "gateway", "operate")
FREE = 9


@dataclass(frozen=True)
class Operation:
    path: str
    method: str
    spec: Mapping[str, Any]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_public(self) -> bool:
        return {} in self.spec["security"]

    def takes(self, way: str) -> bool:
        """`bearerAuth` or `apiKeyAuth`: whether such callers get past the door at all."""
        return {way: []} in self.spec["security"]

    @property
    def path_ids(self) -> list[str]:
        return [p["name"] for p in self.spec.get("parameters", ()) if p["in"] == "path"]

    @property
    def query_names(self) -> list[str]:
        return [p["name"] for p in self.spec.get("parameters", ()) if p["in"] == "query"]

    @property
    def body_schema(self) -> dict[str, Any] | None:
        for content in self.spec.get("requestBody", {}).get("content", {}).values():
            return resolved(content["schema"])
        return None

    @property
    def example(self) -> Any:
        """The first body of the document's examples."""
        for content in self.spec.get("requestBody", {}).get("content", {}).values():
            return copy.deepcopy(next(iter(content["examples"].values()))["value"])
        return None


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for part in ("oneOf", "allOf", "anyOf"):
        for alternative in schema.get(part, ()):
            if alternative.get("type") != "null":
                return resolved(alternative)
    return schema


OPERATIONS = [
    Operation(path, method, spec)
    for path, item in document()["paths"].items()
    for method, spec in item.items()
    if method in METHODS
]


class Rows:
    """One of everything of an operator and a driver; the same again with another `prefix`."""

    def __init__(self, prefix: str) -> None:
        now = clock.now()
        self.operator: Operator = make_operator(prefix.lower())
        self.driver: User = make_driver(f"{prefix.lower()}-driver@example.com")
        self.station: Station = make_station(
            prefix,
            site=make_site(self.operator, f"{prefix} site"),
            name=f"{prefix} name",
            is_online=True,
        )
        # The first connector is in use, this one is free.
        free = Evse.objects.create(station=self.station, evse_id=FREE)
        self.free = Connector.objects.create(
            evse=free, type=Connector.Type.CCS2, status="Available", status_at=now
        )
        self.tariff: TariffVersion = make_tariff(self.operator, name=f"{prefix} tariff")
        self.id_token = make_id_token(f"{prefix}-CARD", operator=self.operator, user=self.driver)
        self.session: Session = Session.objects.create(
            station=self.station,
            connector=connector_of(self.station),
            driver=self.driver,
            state="ACTIVE",
            started_at=now,
        )
        self.command: Command = Command.objects.create(
            station=self.station,
            name="reset",
            actor_label=prefix,
            requested_at=now,
            expires_at=now + timedelta(hours=1),
        )
        self.alert: Alert = make_alert(self.station)
        self.key, _raw = make_api_key(SCOPES, operator=self.operator)
        self.sign_in: SignIn = open_family(self.driver, Device("127.0.0.1"), at=now)
        self.identity: ExternalIdentity = ExternalIdentity.objects.create(
            provider="line",
            subject=f"{prefix} subject",
            user=self.driver,
            created_at=now,
            last_used_at=now,
        )
        self.vehicle = make_vehicle(self.driver)
        self.card = make_payment_method(self.driver)
        self.profile = make_tax_invoice_profile(self.driver)
        self.export: DataExport = DataExport.objects.create(user=self.driver, requested_at=now)
        self.reservation: Reservation = Reservation.objects.create(
            station=self.station,
            reservation_id=1,
            id_token=self.id_token,
            driver=self.driver,
            created_at=now,
            expires_at=now + timedelta(hours=1),
            command=self.command,
            state=ReservationState.EXPIRED.value,
        )
        self.push_device: PushDevice = PushDevice.objects.create(
            user=self.driver,
            platform=PushDevice.Platform.ANDROID,
            token=f"{prefix} token",
            token_digest=f"{prefix} digest",
            created_at=now,
            last_registered_at=now,
        )
        StationConnection.objects.create(station=self.station, epoch=1, connected_at=now)

    @property
    def marks(self) -> tuple[str, ...]:
        """Texts that an answer about these rows would hold."""
        return (
            self.station.identity,
            self.operator.code,
            str(self.session.public_id),
            str(self.command.pk),
            str(self.driver.email),
        )


# Ids in paths. A key with a path in front is for that path alone.
PATH_IDS: dict[str, Callable[[Rows], object]] = {
    "identity": lambda rows: rows.station.identity,
    "session_id": lambda rows: rows.session.public_id,
    "command_id": lambda rows: rows.command.pk,
    "alert_id": lambda rows: rows.alert.pk,
    "tariff_id": lambda rows: rows.tariff.tariff_id,
    "user_id": lambda rows: rows.driver.pk,
    "ocpp_transaction_id": lambda rows: rows.session.ocpp_transaction_id or rows.session.pk,
    "key_id": lambda rows: rows.key.pk,
    "device_id": lambda rows: rows.sign_in.pk,
    "/api/push-devices/{device_id} device_id": lambda rows: rows.push_device.pk,
    "identity_id": lambda rows: rows.identity.pk,
    "vehicle_id": lambda rows: rows.vehicle.pk,
    "card_id": lambda rows: rows.card.pk,
    "profile_id": lambda rows: rows.profile.pk,
    "export_id": lambda rows: rows.export.pk,
    "id_token_id": lambda rows: rows.id_token.pk,
    "reservation_id": lambda rows: rows.reservation.public_id,
    # No ids: numbers within a station, places on the globe.
    "connector_id": lambda rows: 1,
    "evse_id": lambda rows: 1,
    "latitude": lambda rows: "13.74",
    "longitude": lambda rows: "100.53",
    "provider": lambda rows: "line",
}
# Names in bodies that speak of a row.
BODY_IDS: dict[str, Callable[[Rows], object]] = {
    "identity": lambda rows: rows.station.identity,
    "site": lambda rows: rows.station.site_id,
    "tariff": lambda rows: rows.tariff.tariff_id,
    "operator": lambda rows: rows.operator.code,
    "session_id": lambda rows: str(rows.session.public_id),
    "user_id": lambda rows: rows.driver.pk,
    "id_token": lambda rows: rows.id_token.token,
    "card_id": lambda rows: str(rows.card.pk),
    "tariff_version_id": lambda rows: rows.tariff.pk,
}
# Names that look like ids of rows and are not: what a charger numbers itself, or a mere text.
NO_ROWS = frozenset(
    {
        "connector_id",
        "evse_id",
        "transaction_id",
        "reservation_id",
        "profile_id",
        "vendor_id",
        "message_id",
        "tax_id",
        # Random, and told to whoever asked for the code alone: knowing it is the permission.
        "verification_id",
    }
)
# Texts that are not looked up: the name of a new row, what only the charger makes something of.
NOT_LOOKED_UP = frozenset(
    {
        ("post /api/admin/chargepoints/{identity}/commands", "id_token"),
        ("post /api/admin/chargepoints/", "identity"),
        ("post /charge-points", "identity"),
    }
)


def body_ids(operation: Operation) -> list[str]:
    """The properties of the operation's body that name a row."""
    properties = (operation.body_schema or {}).get("properties", {})
    return [
        name
        for name in properties
        if (name in BODY_IDS or looks_like_an_id(name))
        and name not in NO_ROWS
        and (operation.name, name) not in NOT_LOOKED_UP
    ]


def looks_like_an_id(name: str) -> bool:
    return name == "id" or name.endswith(("_id", "_ids", "_uuid"))


def path_to(operation: Operation, rows: Rows) -> str:
    path = operation.path
    for name in operation.path_ids:
        make = PATH_IDS.get(f"{operation.path} {name}") or PATH_IDS[name]
        path = path.replace(f"{{{name}}}", str(make(rows)))
    return path


def body_for(operation: Operation, rows: Rows, only: str = "", other: Rows | None = None) -> Any:
    """The document's example with ids of `rows`; with `only`, that one id alone is of `other`."""
    body = operation.example
    if not isinstance(body, dict):
        return body
    for name in body_ids(operation):
        owner = other if other is not None and name == only else rows
        if name in body or name == only:
            body[name] = BODY_IDS[name](owner)
    return body


def callers(rows: Rows) -> Iterator[tuple[str, str, ApiClient]]:
    """(who, way in, client) of everybody who has nothing to do with `rows`, but own rows."""
    yield "anonymous", "", ApiClient()
    yield "another driver", "bearerAuth", ApiClient.of(rows.driver)
    yield (
        "another operator's staff",
        "bearerAuth",
        ApiClient.of(make_staff(operators=[rows.operator])),
    )
    yield "staff of nobody", "bearerAuth", ApiClient.of(make_staff(operators=[]))
    yield "another operator's key", "apiKeyAuth", key_client(rows.operator)


def key_client(operator: Operator | None = None) -> ApiClient:
    _row, raw = make_api_key(SCOPES, operator=operator)
    return ApiClient(HTTP_X_API_KEY=raw)


@dataclass(frozen=True)
class Asked:
    """A request that succeeds, if anything of its kind can."""

    client: ApiClient
    path: str
    body: Any


def asked(operation: Operation, rows: Rows) -> Asked:
    """The operation by somebody who may do it with `rows`, with the secrets that it takes."""
    path, body = path_to(operation, rows), body_for(operation, rows)
    if is_for_drivers(operation, rows):
        # Drivers know stations by their code.
        path = path.replace(rows.station.identity, rows.station.public_code)
        if isinstance(body, dict) and "identity" in body:
            body["identity"] = rows.station.public_code
    if operation.name in SECRETS:
        body = {**SECRETS[operation.name](rows)}
    return Asked(entitled(operation, rows), path, body)


def staff_sign_in(rows: Rows) -> dict[str, Any]:
    staff = make_staff(operators=[rows.operator])
    return {"email": staff.email, "password": PASSWORD, "code": one_time_code(staff)}


# Bodies that no example can hold: secrets, and what is true of these rows alone.
SECRETS: dict[str, Callable[[Rows], dict[str, Any]]] = {
    "post /api/admin/auth/login": staff_sign_in,
    "post /api/admin/auth/register": lambda rows: {
        "email": "new@example.com",
        "role": "STAFF",
        "operators": [rows.operator.code],
    },
    "post /api/admin/api-keys": lambda rows: {
        "name": "A partner",
        "scopes": ["read"],
        "operator": rows.operator.code,
    },
    "post /api/auth/login": lambda rows: {"email": rows.driver.email, "password": PASSWORD},
    "post /api/auth/refresh": lambda rows: {"refresh": issue_refresh_token(rows.sign_in)},
    "post /api/auth/logout": lambda rows: {"refresh": issue_refresh_token(rows.sign_in)},
    "post /api/data-exports": lambda _rows: {"password": PASSWORD},
    "post /api/transactions/": lambda rows: {
        "identity": rows.station.public_code,
        "connector_id": FREE,
        "tariff_version_id": rows.tariff.pk,
    },
    "post /api/reservations": lambda rows: {
        "public_code": rows.free.evse.public_code,
        "expires_at": (clock.now() + timedelta(minutes=20)).isoformat(),
    },
}


def access_of(operation: Operation, rows: Rows) -> Access:
    """The entry of the view's table: the document cannot tell drivers from staff."""
    view = resolve(path_to(operation, rows)).func.view_class  # type: ignore[attr-defined]
    access: Access = view.access[operation.method.upper()]
    return access


def is_for_drivers(operation: Operation, rows: Rows) -> bool:
    """Whether `entitled` is a driver."""
    access = access_of(operation, rows)
    return not access.public and (access.driver or (access.signed_in and access.staff is None))


def is_for_drivers_only(operation: Operation, rows: Rows) -> bool:
    access = access_of(operation, rows)
    return access.driver and access.staff is None and access.scope is None


def is_for_superadmin(operation: Operation, rows: Rows) -> bool:
    """Whether no operator's staff may do it, with whatever rows."""
    access = access_of(operation, rows)
    return access.staff is not None and not access.signed_in and not staff_may(access.staff)


def entitled(operation: Operation, rows: Rows) -> ApiClient:
    """Somebody who may do the operation with `rows`."""
    access = access_of(operation, rows)
    if access.public and not operation.takes("apiKeyAuth"):
        return ApiClient()
    if is_for_drivers(operation, rows):
        return ApiClient.of(rows.driver)
    if access.staff is None and not access.signed_in and not access.public:
        return key_client(rows.operator) if access.scope else ApiClient.of(make_superadmin())
    return ApiClient.of(make_superadmin())
