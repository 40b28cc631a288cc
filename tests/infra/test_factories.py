from datetime import time

import pytest

from accounts.models import Authenticator
from tests.support import factories


@pytest.mark.django_db
def test_factories_make_a_house_that_the_constraints_accept() -> None:
    operator = factories.make_operator("bkk", name="Bangkok Charge")
    site = factories.make_site(operator)
    station = factories.make_station("TH-BKK-0001", site=site, connectors=2)
    version = factories.make_tariff(
        operator,
        windows=[("Peak", range(1, 6), time(9), time(22), "8.50")],
        assign_to=site,
    )
    staff = factories.make_staff(operators=[operator])
    factories.make_id_token("CARD1", operator=operator)

    assert station.evses.count() == 2
    assert factories.connector_of(station, 2).max_power_w == 50_000
    assert version.windows.get().weekdays == [1, 2, 3, 4, 5]
    assert staff.operators.get() == operator
    device = Authenticator.objects.get(user=staff)
    assert device.verify_token(factories.one_time_code(staff))
