"""What a driver does twice at the same moment, on real connections in real threads."""

from collections import Counter
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import DataExport, IdToken, LinkAttempt, Vehicle
from accounts.services import closing, data_exports, id_tokens, vehicles
from accounts.services.vehicles import VehicleData
from csms.common import clock
from csms.common.audit import SystemActor
from csms.common.errors import Conflict, DomainError
from invoicing.models import TaxInvoiceProfile
from invoicing.services import profiles
from tests.support.factories import (
    make_driver,
    make_id_token,
    make_station,
    make_tax_invoice_profile,
)
from tests.support.threads import in_threads
from tests.transactions.support import start
from transactions.models import Session

pytestmark = pytest.mark.django_db(transaction=True)
CARD_READER = SystemActor("test")


def outcome(work: Any) -> str:
    try:
        work()
    except DomainError as refusal:
        return refusal.code
    return "done"


def test_one_of_ten_drivers_gets_the_card() -> None:
    card = make_id_token("CARD1")
    code = id_tokens.make_link_code(card, actor=CARD_READER)
    drivers = [make_driver() for _number in range(10)]
    outcomes = in_threads(
        10, lambda n: outcome(lambda: id_tokens.link(drivers[n], code, address=f"192.0.2.{n}"))
    )
    assert Counter(outcomes) == {"done": 1, "code_not_valid": 9}
    winner = drivers[outcomes.index("done")]
    assert IdToken.objects.get().user_id == winner.pk
    assert LinkAttempt.objects.filter(has_succeeded=True).get().user_id == winner.pk


def test_twenty_guesses_at_once_are_five() -> None:
    driver = make_driver()
    outcomes = in_threads(
        20, lambda n: outcome(lambda: id_tokens.link(driver, "0" * 12, address=f"192.0.2.{n}"))
    )
    assert Counter(outcomes) == {"code_not_valid": 5, "throttled": 15}


def test_first_vehicles_at_once_are_one_default() -> None:
    driver = make_driver()

    def add(number: int) -> str:
        data = VehicleData(plate=f"กข {number + 1}", province="10", connector_type="CCS2")
        return outcome(lambda: vehicles.add(driver, data, is_default=True))

    assert set(in_threads(8, add)) == {"done"}
    assert Vehicle.objects.filter(is_default=True).count() == 1


def test_defaults_chosen_at_once_leave_one() -> None:
    driver = make_driver()
    made = [make_tax_invoice_profile(driver) for _number in range(8)]
    outcomes = in_threads(8, lambda n: outcome(lambda: profiles.choose_default(driver, made[n].pk)))
    assert set(outcomes) == {"done"}
    assert TaxInvoiceProfile.objects.filter(is_default=True).count() == 1


def test_exports_asked_for_at_once_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    # The job runs in the asking thread here: whoever asks after it is right to get a second one.
    monkeypatch.setattr(data_exports, "publish", lambda _event: None)
    driver = make_driver()
    found = in_threads(8, lambda _n: data_exports.request(driver).pk)
    assert len(set(found)) == 1


def test_an_export_is_claimed_once() -> None:
    export = DataExport.objects.create(user=make_driver(), requested_at=clock.now())
    claims = in_threads(8, lambda _n: data_exports._claim(export.pk, clock.now()))
    assert len([claim for claim in claims if claim is not None]) == 1
    assert DataExport.objects.get().attempts == 1


def test_an_account_is_closed_once(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path
    driver = make_driver()
    outcomes = in_threads(
        6, lambda _n: outcome(lambda: closing.close_account(driver, at=clock.now()))
    )
    assert Counter(outcomes) == {"done": 1, "account_closed": 5}


def test_an_account_is_not_closed_while_a_session_begins_on_it(
    tmp_path: Path, settings: Any
) -> None:
    """Many times over: either the session was first and it stays open, or the card is dead."""
    settings.DATA_DIR = tmp_path
    for number in range(10):
        driver = make_driver()
        station = make_station()
        make_id_token(f"CARD{number}", user=driver)
        work = [
            lambda: start(station, token=f"CARD{number}"),  # noqa: B023
            lambda: closing.close_account(driver, at=clock.now()),  # noqa: B023
        ]
        _started, closed = in_threads(2, lambda n: outcome(work[n]))  # noqa: B023
        driver.refresh_from_db()
        assert (driver.anonymised_at is None) == (closed == "account_in_use")
        assert Session.objects.filter(driver=driver).exists() == (driver.anonymised_at is None)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no locks of rows")
def test_closing_waits_for_a_session_that_is_being_written() -> None:
    driver = make_driver()
    station = make_station()
    make_id_token("CARD1", user=driver)
    begun, results = Event(), []

    def close() -> None:
        try:
            begun.wait(10)
            results.append(outcome(lambda: closing.close_account(driver, at=clock.now())))
        finally:
            connection.close()

    closer = Thread(target=close)
    closer.start()
    with transaction.atomic():
        start(station, token="CARD1")
        begun.set()
        closer.join(0.3)
        assert closer.is_alive(), "it did not wait"
    closer.join(10)
    assert results == ["account_in_use"]


def test_a_code_for_a_card_that_is_taken_is_refused() -> None:
    card = make_id_token("CARD1", user=make_driver())
    with pytest.raises(Conflict):
        id_tokens.make_link_code(card, actor=CARD_READER)
