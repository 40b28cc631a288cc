"""A country full of stations and years of sessions, written by the database itself.

50,000 stations as they would stand in Thailand: two fifths around Bangkok, one fifth around other
cities, the rest along the country; one to four at a place. A row of each kind is made by the
project's own models; the others are that row with what differs, so that no column is forgotten.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

from django.db import connection, models

# (name, latitude, longitude, share in per mille, spread in degrees)
CITIES = (
    ("Bangkok", 13.75, 100.53, 400, 0.25),
    ("Chiang Mai", 18.79, 98.98, 60, 0.12),
    ("Chonburi", 13.10, 100.95, 60, 0.15),
    ("Phuket", 7.95, 98.34, 40, 0.08),
    ("Nakhon Ratchasima", 14.97, 102.10, 40, 0.15),
    ("Khon Kaen", 16.44, 102.83, 30, 0.12),
    ("Hat Yai", 7.01, 100.47, 30, 0.12),
    ("Rayong", 12.68, 101.28, 30, 0.12),
    ("Udon Thani", 17.41, 102.79, 20, 0.12),
    ("Surat Thani", 9.14, 99.33, 20, 0.15),
    ("Phitsanulok", 16.82, 100.27, 20, 0.12),
)
STATIONS_A_SITE = 2
EVSES_A_STATION = 2
DRIVERS = 20_000


def build(stations: int, sessions: int) -> None:
    """Fill an empty, migrated PostgreSQL database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT setseed(0.4711)")
        cursor.execute("SET synchronous_commit = off")
    operators = _operators()
    sites = stations // STATIONS_A_SITE
    _sites(operators, sites)
    _stations(sites, stations)
    _connectors(stations)
    _drivers()
    _sessions(stations, sessions)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _operators() -> list[int]:
    from accounts.models import Operator

    return [
        Operator.objects.create(code=f"operator-{number}", name=f"Operator {number}").pk
        for number in range(20)
    ]


def _sites(operators: list[int], count: int) -> None:
    from chargepoints.models import Site

    first = Site.objects.create(
        operator_id=operators[0],
        name="Place 0",
        address="1 Phahonyothin Road",
        district="Mueang",
        province="Bangkok",
        postal_code="10110",
        latitude=Decimal("13.75"),
        longitude=Decimal("100.53"),
    )
    borders = []
    reached = 0
    for name, latitude, longitude, share, spread in CITIES:
        reached += share
        # Two chances multiplied: dense in the middle, thin outside.
        near = f"{spread} * (random() + random() + random() - 1.5) * (0.3 + random())"
        borders.append((reached, name, f"{latitude} + {near}", f"{longitude} + {near}"))
    chosen = {
        "latitude": _by_share(borders, 2, "5.8 + random() * 14.4"),
        "longitude": _by_share(borders, 3, "98.5 + random() * 5"),
        "province": _by_share(
            [(reached, name, f"'{name}'", "") for reached, name, _lat, _lon in borders],
            2,
            "'Province ' || (n % 66)",
        ),
    }
    _multiply(
        first,
        count - 1,
        {
            "name": "(ARRAY['Mall','Petrol station','Hotel','Office'])[1 + n % 4] || ' ' || n",
            "operator_id": f"{operators[0]} + n % {len(operators)}",
            **chosen,
        },
        draw="random() * 1000",
    )


def _by_share(borders: list[tuple[int, str, str, str]], column: int, otherwise: str) -> str:
    cases = " ".join(f"WHEN draw < {border[0]} THEN {border[column]}" for border in borders)
    return f"CASE {cases} ELSE {otherwise} END"


def _stations(sites: int, count: int) -> None:
    from chargepoints.models import Site, Station

    first_site = Site.objects.order_by("pk").values_list("pk", flat=True)[0]
    first = Station.objects.create(
        site_id=first_site,
        identity="TH-0",
        name="Charger 0",
        vendor="ABB",
        model="Terra 124",
        security_profile=0,
        is_online=True,
        last_seen_at=datetime(2026, 11, 1, tzinfo=UTC),
    )
    _multiply(
        first,
        count - 1,
        {
            "site_id": f"{first_site} + (n * 7919) % {sites}",
            "identity": "'TH-' || n",
            "name": "'Charger ' || n",
            "public_code": "upper(translate(substr(gen_random_uuid()::text, 25, 10), '01', 'gh'))",
            "is_online": "random() < 0.9",
        },
    )


def _connectors(stations: int) -> None:
    from chargepoints.models import Connector, Evse, Station

    first_station = Station.objects.order_by("pk").values_list("pk", flat=True)[0]
    first = Evse.objects.create(station_id=first_station, evse_id=1)
    count = stations * EVSES_A_STATION
    code = "upper(translate(lpad(to_hex(n), 6, '0'), '01', 'gh'))"
    _multiply(
        first,
        count - 1,
        {
            "station_id": f"{first_station} + n / {EVSES_A_STATION}",
            "evse_id": f"1 + n % {EVSES_A_STATION}",
            "public_code": f"'Z' || {code}",
        },
    )
    plug = Connector.objects.create(
        evse=first,
        connector_id=1,
        type="CCS2",
        max_power_w=120_000,
        status="Available",
        status_at=datetime(2026, 11, 1, tzinfo=UTC),
    )
    _multiply(
        plug,
        count - 1,
        {
            "evse_id": f"{first.pk} + n",
            "type": "(ARRAY['CCS2','CCS2','Type2','CHAdeMO'])[1 + n % 4]",
            "max_power_w": "(ARRAY[50000,120000,22000,360000])[1 + n % 4]",
            "status": "(ARRAY['Available','Available','Charging','Unavailable'])[1 + (n * 31) % 4]",
        },
    )


def _drivers() -> None:
    from accounts.models import User

    first = User.objects.create_user("driver-0@example.com", "correct-horse-battery")
    unique = {f.attname for f in User._meta.concrete_fields if f.unique and not f.primary_key}
    _multiply(
        first,
        DRIVERS - 1,
        dict.fromkeys(unique & {"email"}, "'driver-' || n || '@example.com'"),
    )


def _sessions(stations: int, count: int) -> None:
    from accounts.models import User
    from chargepoints.models import Connector, Station
    from transactions.models import Session

    connector = Connector.objects.order_by("pk").select_related("evse")[0]
    driver = User.objects.order_by("pk").values_list("pk", flat=True)[0]
    station = Station.objects.order_by("pk").values_list("pk", flat=True)[0]
    began = datetime(2024, 1, 1, tzinfo=UTC)
    first = Session.objects.create(
        station_id=station,
        connector=connector,
        driver_id=driver,
        state="ENDED",
        started_at=began,
        ended_at=began,
        energy_wh=10_500,
        total_net=Decimal("73.60"),
        total_tax=Decimal("5.15"),
        total_gross=Decimal("78.75"),
        priced_at=began,
    )
    connectors = stations * EVSES_A_STATION
    place = f"(n::bigint * 7919) % {connectors}"
    started = f"'2024-01-01'::timestamptz + n * (interval '1050 days' / {count})"
    _multiply(
        first,
        count - 1,
        {
            "station_id": f"{station} + ({place}) / {EVSES_A_STATION}",
            "connector_id": f"{connector.pk} + {place}",
            "driver_id": f"{driver} + n % {DRIVERS}",
            "public_id": "gen_random_uuid()",
            "start_key": "'benchmark-' || n",
            "started_at": started,
            "ended_at": f"{started} + interval '40 minutes'",
            "priced_at": f"{started} + interval '41 minutes'",
            "energy_wh": "5000 + n % 40000",
        },
    )


def _multiply(
    first: models.Model, count: int, differing: Mapping[str, str], draw: str = "random()"
) -> None:
    """`count` rows like `first`, with numbers n = 1…; `differing`: columns as SQL in n and draw."""
    table = first._meta.db_table
    names = [field.column for field in first._meta.concrete_fields if not field.primary_key]
    unknown = set(differing) - set(names)
    chosen: dict[str, str] = {n: v for n, v in differing.items() if n not in unknown}
    columns = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(chosen.get(str(name), f'one."{name}"') for name in names)
    statement = (
        f"INSERT INTO {table} ({columns}) SELECT {values} "
        f"FROM (SELECT n, {draw} AS draw FROM generate_series(1, {count}) AS n) AS number, "
        f"{table} AS one WHERE one.{first._meta.pk.column} = {int(first.pk)}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)
