"""Rows that tests start from, made with as few arguments as the test cares for.

Plain functions, also importable: every argument has a default, and what the caller leaves out is
made up and unique.
"""

import itertools
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

from django.contrib.auth.hashers import make_password
from django_otp.oath import totp

from accounts.domain.states import IdTokenStatus, Role
from accounts.models import ApiKey, Authenticator, IdToken, Operator, User
from chargepoints.models import Connector, Evse, Site, Station
from transactions.models import Tariff, TariffAssignment, TariffVersion, TariffWindow

PASSWORD = "correct-horse-battery"
STATION_PASSWORD = "station-password-1234"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
_numbers = itertools.count(1)


def make_operator(code: str = "", **fields: Any) -> Operator:
    code = code or f"operator-{next(_numbers)}"
    return Operator.objects.create(code=code, **{"name": code.title(), **fields})


def make_site(operator: Operator | None = None, name: str = "", **fields: Any) -> Site:
    return Site.objects.create(
        operator=operator or make_operator(),
        name=name or f"Site {next(_numbers)}",
        **{
            "latitude": Decimal("13.745570"),
            "longitude": Decimal("100.534960"),
            "province": "Bangkok",
            **fields,
        },
    )


def make_station(
    identity: str = "",
    *,
    site: Site | None = None,
    password: str | None = STATION_PASSWORD,
    connectors: int = 1,
    connector_type: str = Connector.Type.CCS2,
    max_power_w: int = 50_000,
    **fields: Any,
) -> Station:
    """A station with `connectors` EVSEs of one connector each; `password` None: none needed."""
    station = Station.objects.create(
        site=site or make_site(),
        identity=identity or f"TH-TEST-{next(_numbers):04}",
        **{
            "password_hash": make_password(password, hasher="argon2station") if password else "",
            "security_profile": 1 if password else 0,
            **fields,
        },
    )
    for number in range(1, connectors + 1):
        evse = Evse.objects.create(station=station, evse_id=number)
        Connector.objects.create(
            evse=evse, connector_id=1, type=connector_type, max_power_w=max_power_w
        )
    return station


def connector_of(station: Station, evse_id: int = 1, connector_id: int = 1) -> Connector:
    return Connector.objects.get(
        evse__station=station, evse__evse_id=evse_id, connector_id=connector_id
    )


def make_tariff(
    operator: Operator | None = None,
    *,
    name: str = "",
    price_per_kwh: str = "7.50",
    windows: Sequence[tuple[str, Iterable[int], time, time, str]] = (),
    effective_from: datetime = LONG_AGO,
    is_default: bool = True,
    assign_to: Site | Station | Evse | None = None,
    **version_fields: Any,
) -> TariffVersion:
    """One version of a tariff; a window is (name, ISO weekdays, from, until, price per kWh)."""
    tariff = Tariff.objects.create(
        operator=operator or make_operator(),
        name=name or f"Tariff {next(_numbers)}",
        is_default=is_default,
    )
    version = TariffVersion.objects.create(
        tariff=tariff,
        effective_from=effective_from,
        price_per_kwh=Decimal(price_per_kwh),
        **version_fields,
    )
    for priority, (label, weekdays, starts_at, ends_at, price) in enumerate(windows):
        TariffWindow.objects.create(
            version=version,
            name=label,
            priority=priority,
            weekdays=list(weekdays),
            starts_at=starts_at,
            ends_at=ends_at,
            price_per_kwh=Decimal(price),
        )
    if assign_to is not None:
        place = {type(assign_to).__name__.lower(): assign_to}
        TariffAssignment.objects.create(tariff=tariff, effective_from=effective_from, **place)
    return version


def make_staff(
    email: str = "",
    *,
    role: str = Role.STAFF,
    operators: Iterable[Operator] = (),
    password: str = PASSWORD,
    with_otp: bool = True,
    **fields: Any,
) -> User:
    """A member of staff; with `with_otp` a confirmed TOTP device: see `one_time_code`."""
    user = User.objects.create_user(
        email or f"staff-{next(_numbers)}@example.com", password, role=role, **fields
    )
    user.operators.set(operators)
    if with_otp:
        Authenticator.objects.create(user=user, name="test", confirmed=True)
    return user


def make_superadmin(email: str = "", **fields: Any) -> User:
    return make_staff(email, role=Role.SUPERADMIN, **fields)


def make_driver(email: str = "", *, password: str = PASSWORD, **fields: Any) -> User:
    return User.objects.create_user(
        email or f"driver-{next(_numbers)}@example.com", password, **fields
    )


def one_time_code(user: User) -> str:
    """The code that the user's authenticator shows now."""
    device = Authenticator.objects.filter(user=user, confirmed=True).get()
    return f"{totp(device.key):06}"


def make_id_token(token: str = "", **fields: Any) -> IdToken:
    return IdToken.objects.create(
        token=token or f"CARD{next(_numbers):08}",
        **{"status": IdTokenStatus.ACCEPTED.value, **fields},
    )


def make_api_key(
    scopes: Iterable[str] = ("read",), *, operator: Operator | None = None, name: str = ""
) -> tuple[ApiKey, str]:
    """The key's row and the raw key for the `X-Api-Key` header."""
    from accounts.services.keys import create_api_key

    return create_api_key(name or f"key-{next(_numbers)}", list(scopes), operator=operator)
