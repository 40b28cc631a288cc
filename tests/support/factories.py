"""Rows that tests start from, made with as few arguments as the test cares for.

Plain functions, also importable: every argument has a default, and what the caller leaves out is
made up and unique.
"""

import itertools
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.hashers import make_password
from django_otp.oath import totp

from accounts.domain.access import SignInMethod
from accounts.domain.contacts import Channel, Contact
from accounts.domain.states import IdTokenStatus, Role
from accounts.models import ApiKey, Authenticator, ConsoleSession, IdToken, Operator, User, Vehicle
from accounts.models.verifications import contact_digest
from chargepoints.models import Alert, Connector, Evse, Site, Station
from invoicing.domain.tax_ids import check_digit
from invoicing.models import TaxInvoiceProfile
from invoicing.services.profiles import tax_id_digest
from payments.models import PaymentMethod
from transactions.models import Session, Tariff, TariffAssignment, TariffVersion, TariffWindow

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


def make_alert(
    station: Station | None = None,
    kind: Alert.Kind = Alert.Kind.WRONG_CREDENTIALS,
    *,
    at: datetime | None = None,
    **fields: Any,
) -> Alert:
    """An open alert, without anybody being told of it."""
    at = at or datetime.now(UTC)
    return Alert.objects.create(
        station=station or make_station(),
        kind=kind,
        **{"severity": Alert.Severity.WARNING, "first_at": at, "last_at": at, **fields},
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


def make_console_session(user: User, **fields: Any) -> ConsoleSession:
    """An open session of the console, without a browser's session that names it."""
    at = fields.pop("at", None) or datetime.now(UTC)
    return ConsoleSession.objects.create(
        user=user,
        **{
            "method": SignInMethod.PASSWORD_AND_CODE.value,
            "remote_address": "127.0.0.1",
            "user_agent": "test",
            "started_at": at,
            "last_seen_at": at,
            **fields,
        },
    )


def make_driver(
    email: str | None = "", *, password: str | None = PASSWORD, phone: str = "", **fields: Any
) -> User:
    """A driver with a verified address; `phone` (E.164) as well or, with `email` None, instead."""
    if phone:
        digest = contact_digest(Contact(Channel.SMS, phone))
        fields = {"phone": phone, "phone_digest": digest, "phone_verified_at": LONG_AGO, **fields}
    if email is not None:
        fields = {"email_verified_at": LONG_AGO, **fields}
        email = email or f"driver-{next(_numbers)}@example.com"
    return User.objects.create_user(email, password, **fields)


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


def make_session(
    driver: User | None = None, *, station: Station | None = None, **fields: Any
) -> Session:
    """A session that has ended and is priced: 10 kWh for 75.00, unless said otherwise."""
    station = station or make_station()
    ended_at = fields.pop("ended_at", datetime(2026, 11, 20, 6, tzinfo=UTC))
    values = {
        "state": "ENDED",
        "started_at": ended_at and ended_at - timedelta(hours=1),
        "ended_at": ended_at,
        "energy_wh": 10_000,
        "total_net": Decimal("70.09"),
        "total_tax": Decimal("4.91"),
        "total_gross": Decimal("75.00"),
        "priced_at": ended_at,
        **fields,
    }
    return Session.objects.create(
        driver=driver, station=station, connector=connector_of(station), **values
    )


def make_vehicle(driver: User, plate: str = "", **fields: Any) -> Vehicle:
    values = {"province": "10", "connector_type": "CCS2", **fields}
    return Vehicle.objects.create(driver=driver, plate=plate or f"1กข {next(_numbers)}", **values)


def make_payment_method(driver: User, **fields: Any) -> PaymentMethod:
    """A card as the provider would have given it to us."""
    values = {
        "provider": "OMISE",
        "provider_reference": f"card_test_{next(_numbers):012}",
        "brand": "Visa",
        "last_digits": "4242",
        "expiry_month": 12,
        "expiry_year": 2030,
        **fields,
    }
    return PaymentMethod.objects.create(driver=driver, **values)


def make_tax_id(*, is_company: bool = True) -> str:
    """A number whose check digit fits; nobody's in particular."""
    first_twelve = f"{'0' if is_company else '1'}{next(_numbers):011}"
    return first_twelve + check_digit(first_twelve)


def make_tax_invoice_profile(driver: User, **fields: Any) -> TaxInvoiceProfile:
    tax_id = fields.pop("tax_id", None) or make_tax_id()
    values = {
        "party": "COMPANY",
        "branch": "00000",
        "name": "บริษัท ตัวอย่าง จำกัด",
        "address": "99/1",
        "sub_district": "ปทุมวัน",
        "district": "ปทุมวัน",
        "province": "10",
        "postal_code": "10330",
        **fields,
    }
    return TaxInvoiceProfile.objects.create(
        driver=driver, tax_id=tax_id, tax_id_digest=tax_id_digest(tax_id), **values
    )
