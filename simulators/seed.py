"""The demo's rows: operators, sites, chargers, tariffs, staff, id tokens. May be run again."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django_otp.oath import totp

from accounts.domain.states import Role
from accounts.models import Authenticator, IdToken, Operator, User
from accounts.services.staff import create_staff, ensure_totp
from chargepoints.models import Connector, Evse, Site, Station
from csms.common.audit import SystemActor
from simulators.places import PLACES
from simulators.profiles import hardware_of, identity_of, token_of
from transactions.domain.windows import HolidayRule, Window
from transactions.models import HolidayCalendar, Tariff
from transactions.services.tariffs import assign, create_version, set_holidays, tariff_named

IDENTITY_PREFIX = "TH-DEMO-"
ADMIN_EMAIL = "admin@example.com"
SECOND_ADMIN_EMAIL = "second-admin@example.com"
STAFF_EMAIL = "staff@example.com"
TOKENS = 40
EFFECTIVE_FROM = datetime(2026, 1, 1, tzinfo=UTC)
OPERATORS = (
    ("krungthep-charge", "Krungthep Charge", "กรุงเทพชาร์จ"),
    ("chaopraya-ev", "Chao Phraya EV", "เจ้าพระยาอีวี"),
)
# Of the current and the next year; an operator enters the official list each year.
HOLIDAYS = (
    ("New Year's Day", 1, 1),
    ("Chakri Day", 4, 6),
    ("Songkran", 4, 13),
    ("Songkran", 4, 14),
    ("Songkran", 4, 15),
    ("Labour Day", 5, 1),
    ("King's Birthday", 7, 28),
    ("Mother's Day", 8, 12),
    ("Chulalongkorn Day", 10, 23),
    ("Father's Day", 12, 5),
    ("Constitution Day", 12, 10),
    ("New Year's Eve", 12, 31),
)
WEEKDAYS = frozenset(range(1, 6))
DEMO = SystemActor("demo")


@dataclass(frozen=True, slots=True)
class Seeded:
    operators: int
    sites: int
    stations: int
    tokens: int


@transaction.atomic
def seed(*, chargers: int, staff_password: str, station_password: str) -> Seeded:
    """Make what is missing; passwords are set to the given ones every time."""
    operators = [
        Operator.objects.get_or_create(code=code, defaults={"name": name, "name_th": name_th})[0]
        for code, name, name_th in OPERATORS
    ]
    sites = _sites(operators)
    calendar = _holidays(datetime.now(UTC).year)
    for operator in operators:
        _tariffs(operator, calendar, [site for site in sites if site.operator == operator])
    _staff(operators[0], staff_password)
    password_hash = make_password(station_password, hasher="argon2station")
    for number in range(1, chargers + 1):
        _station(number, sites[(number - 1) % len(sites)], password_hash)
    for number in range(1, TOKENS + 1):
        IdToken.objects.get_or_create(token=token_of(number))
    return Seeded(len(operators), len(sites), chargers, TOKENS)


def _sites(operators: list[Operator]) -> list[Site]:
    return [
        Site.objects.get_or_create(
            operator=operators[index % len(operators)],
            name=place.name,
            defaults={
                "name_th": place.name_th,
                "address": place.address,
                "district": place.district,
                "province": place.province,
                "postal_code": place.postal_code,
                "latitude": Decimal(place.latitude),
                "longitude": Decimal(place.longitude),
            },
        )[0]
        for index, place in enumerate(PLACES)
    ]


def _holidays(year: int) -> HolidayCalendar:
    days = {
        date(each_year, month, day): name
        for each_year in (year, year + 1)
        for name, month, day in HOLIDAYS
    }
    return set_holidays("Thailand", days)


def _tariffs(operator: Operator, calendar: HolidayCalendar, sites: list[Site]) -> None:
    """Time of use as the default; sites at airports pay for staying as well."""
    _tariff(operator, calendar, "Time of use", is_default=True)
    airport = _tariff(
        operator,
        calendar,
        "Airport",
        price_per_session=Decimal("20"),
        idle_price_per_minute=Decimal("2"),
    )
    for site in sites:
        if "Airport" in site.name:
            assign(airport, site, actor=DEMO, effective_from=EFFECTIVE_FROM)


def _tariff(
    operator: Operator,
    calendar: HolidayCalendar,
    name: str,
    *,
    is_default: bool = False,
    price_per_session: Decimal = Decimal(0),
    idle_price_per_minute: Decimal = Decimal(0),
) -> Tariff:
    tariff = tariff_named(operator, name, is_default=is_default)
    if not tariff.versions.filter(effective_from=EFFECTIVE_FROM).exists():
        peak = Window(
            "Peak", WEEKDAYS, time(9), time(22), Decimal("7.90"), holidays=HolidayRule.NEVER
        )
        create_version(
            tariff,
            actor=DEMO,
            effective_from=EFFECTIVE_FROM,
            price_per_kwh=Decimal("5.50"),
            holiday_calendar=calendar,
            price_per_session=price_per_session,
            idle_price_per_minute=idle_price_per_minute,
            windows=[peak],
        )
    return tariff


def _staff(operator: Operator, password: str) -> None:
    for email, role, name in (
        (ADMIN_EMAIL, Role.SUPERADMIN, "Demo administrator"),
        (SECOND_ADMIN_EMAIL, Role.SUPERADMIN, "Second administrator"),
        (STAFF_EMAIL, Role.STAFF, "Demo staff"),
    ):
        user = User.objects.filter(email=email).first()
        if user is None:
            user = create_staff(email, password, role, [operator], actor=DEMO)
        user.set_password(password)
        user.display_name, user.language = name, "en"
        user.save(update_fields=["password", "display_name", "language"])
        ensure_totp(user)


def _station(number: int, site: Site, password_hash: str) -> Station:
    hardware = hardware_of(number)
    station, _created = Station.objects.update_or_create(
        identity=identity_of(IDENTITY_PREFIX, number),
        defaults={"password_hash": password_hash},
        create_defaults={
            "site": site,
            "name": f"{site.name} {(number - 1) // len(PLACES) + 1}",
            "password_hash": password_hash,
            "allowed_versions": ["ocpp1.6"],
        },
    )
    for evse_id in range(1, hardware.connectors + 1):
        evse, _evse_created = Evse.objects.get_or_create(station=station, evse_id=evse_id)
        Connector.objects.get_or_create(
            evse=evse,
            connector_id=1,
            defaults={"type": hardware.connector_type, "max_power_w": hardware.power_w},
        )
    return station


def one_time_code(email: str) -> str:
    """The code that the authenticator of `email` shows now; `DoesNotExist` before seeding."""
    device = Authenticator.objects.get(user__email=email, confirmed=True)
    return f"{totp(device.key):06}"


def provisioning_uri(email: str) -> str:
    """What an authenticator app takes as a QR code."""
    return Authenticator.objects.get(user__email=email, confirmed=True).provisioning_uri
