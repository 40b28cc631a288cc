"""A foreign charger, a session across a tariff's boundary, and the bill that a person computes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.acceptance.cars import connected
from tests.acceptance.installation import Client, Installation, Server

IDENTITY = "ACC-TARIFF"
MINUTE = timedelta(minutes=1)
ALL_WEEK = [1, 2, 3, 4, 5, 6, 7]


def price_from(installation: Installation, staff: Client, boundary: datetime) -> None:
    """9.50 up to the boundary, 4.25 after it, 10.00 for each session; VAT of 7 % included."""
    local = boundary.astimezone(ZoneInfo("Asia/Bangkok"))

    def window(name: str, begins: datetime, ends: datetime, price: str) -> dict[str, object]:
        return {
            "name": name,
            "weekdays": ALL_WEEK,
            "starts_at": f"{begins:%H:%M}",
            "ends_at": f"{ends:%H:%M}",
            "price_per_kwh": price,
        }

    status, answer = staff.call(
        "PUT",
        f"/api/chargepoints/{IDENTITY}/pricing",
        {
            "tariff": installation.tariff,
            "effective_from": (boundary - timedelta(days=2)).isoformat(),
            "version": {
                "price_per_kwh": "99.99",
                "price_per_session": "10.00",
                "windows": [
                    window("Peak", local - 180 * MINUTE, local, "9.50"),
                    window("Off-peak", local, local + 180 * MINUTE, "4.25"),
                ],
            },
        },
    )
    assert status == 200, answer


async def test_a_session_across_a_boundary_costs_what_a_person_computes(
    installation: Installation, server: Server, signed_in: Client, partner: Client
) -> None:
    boundary = datetime.now(UTC).replace(second=0, microsecond=0) - 40 * MINUTE
    price_from(installation, signed_in, boundary)
    async with connected(server, IDENTITY) as car:
        await car.boot()
        car.register = 1_000_000
        transaction = await car.begin("CARD0001", boundary - 45 * MINUTE)
        await car.measure(1_004_000, boundary - 10 * MINUTE)
        # Between the two readings 150 Wh flow each minute: 10 minutes are 1,500 Wh.
        await car.measure(1_008_500, boundary + 20 * MINUTE)
        await car.end(1_010_500, boundary + 30 * MINUTE)

    found = partner.summary(transaction)
    assert found["energy_wh"] == 10_500
    assert found["duration_seconds"] == 75 * 60
    assert (found["state"], found["is_final"], found["review"]) == ("ENDED", True, [])
    # 5.5 kWh x 9.50 = 52.25; 5.0 kWh x 4.25 = 21.25; together with 10.00: 83.50.
    # Tax: 52.25 x 7/107 = 3.42; 73.50 x 7/107 = 4.81, less 3.42; 83.50 x 7/107 = 5.46, less 4.81.
    assert [
        tuple(
            line[name]
            for name in ("kind", "name", "quantity", "unit", "unit_price", "gross", "net", "tax")
        )
        for line in found["lines"]
    ] == [
        ("ENERGY", "Peak", "5.5000", "kWh", "9.5000", "52.25", "48.83", "3.42"),
        ("ENERGY", "Off-peak", "5.0000", "kWh", "4.2500", "21.25", "19.86", "1.39"),
        ("SESSION", "", "1.0000", "session", "10.0000", "10.00", "9.35", "0.65"),
    ]
    assert datetime.fromisoformat(found["lines"][0]["until"]) == boundary
    assert datetime.fromisoformat(found["lines"][1]["from"]) == boundary
    totals = (found["total_gross"], found["total_net"], found["total_tax"], found["currency"])
    assert totals == ("83.50", "78.04", "5.46", "THB")
    assert [point["energy_wh"] for point in found["curve"]] == [4_000, 8_500]
    # Staff see the same; nobody else sees anything.
    assert signed_in.summary(transaction)["lines"] == found["lines"]
    assert Client(server, {}).call("GET", f"/api/transactions/{found['id']}/summary")[0] == 401
