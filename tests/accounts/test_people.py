"""Who is found by an address, and what an account that is closed or switched off still takes."""

from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.db import IntegrityError, connection

from accounts.domain.contacts import Channel, Contact
from accounts.domain.states import Role
from accounts.models import IdToken, User, Vehicle
from accounts.selectors.people import user_by_contact
from accounts.services import app_tokens, closing, id_tokens, staff, vehicles
from csms.common import clock
from csms.common.audit import SystemActor
from csms.common.errors import Conflict, NotFound
from tests.support.factories import PASSWORD, make_driver, make_id_token

pytestmark = pytest.mark.django_db
ACTOR = SystemActor("test")
CAR = vehicles.VehicleData(plate="กข 1234", province="10", connector_type="CCS2")


@pytest.fixture(autouse=True)
def _files(tmp_path: Any, settings: Any) -> None:
    settings.DATA_DIR = tmp_path


class TestAddresses:
    def test_a_person_is_found_in_any_spelling(self, rf: Any) -> None:
        driver = make_driver("Somchai@Example.com")
        assert driver.email == "somchai@example.com"
        assert user_by_contact(Contact(Channel.EMAIL, "SOMCHAI@example.com")) == driver
        assert User.objects.get_by_natural_key("Somchai@EXAMPLE.com") == driver
        typed = {"username": "SomChai@example.com", "password": PASSWORD}
        assert authenticate(rf.post("/"), **typed) == driver

    def test_none_is_kept_in_another_spelling(self) -> None:
        driver = make_driver("somchai@example.com")
        with pytest.raises(IntegrityError, match="user_email_lower_case"):
            User.objects.filter(pk=driver.pk).update(email="Somchai@example.com")

    @pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite plans otherwise")
    def test_a_login_reads_the_index_and_not_everybody(self, rf: Any) -> None:
        User.objects.bulk_create(
            User(email=f"driver-{number}@example.com", password="x") for number in range(5000)
        )
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE accounts_user")
        statements: list[tuple[str, Any]] = []

        def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            if sql.startswith("SELECT") and 'FROM "accounts_user"' in sql:
                statements.append((sql, params))
            return execute(sql, params, many, context)

        with connection.execute_wrapper(note):
            authenticate(rf.post("/"), username="Driver-77@example.com", password=PASSWORD)
            user_by_contact(Contact(Channel.EMAIL, "driver-77@example.com"))
        assert len(statements) == 2
        for sql, params in statements:
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN {sql}", params)
                plan = "\n".join(row[0] for row in cursor.fetchall())
            assert "Index Scan" in plan, plan
            assert "Seq Scan" not in plan, plan


class TestAClosedAccount:
    @pytest.fixture(params=["closed", "switched off"])
    def stale(self, request: Any) -> User:
        """The person as a request that began before still knows them."""
        driver = make_driver()
        stale = User.objects.get(pk=driver.pk)
        if request.param == "closed":
            closing.close_account(driver, at=clock.now())
        else:
            User.objects.filter(pk=driver.pk).update(is_active=False)
        return stale

    def test_gets_no_rows(self, stale: User) -> None:
        with pytest.raises(NotFound):
            vehicles.add(stale, CAR)
        with pytest.raises(NotFound):
            app_tokens.app_token_of(stale)
        assert not Vehicle.objects.exists()
        assert not IdToken.objects.exists()

    def test_gets_no_card(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Closed between the count of the try and the card."""
        driver = make_driver()
        card = make_id_token("CARD1")
        code = id_tokens.make_link_code(card, actor=ACTOR)
        count = id_tokens._count_attempt

        def count_and_close(*arguments: Any) -> Any:
            attempt = count(*arguments)
            closing.close_account(User.objects.get(pk=driver.pk), at=clock.now())
            return attempt

        monkeypatch.setattr(id_tokens, "_count_attempt", count_and_close)
        with pytest.raises(NotFound):
            id_tokens.link(driver, code, address="192.0.2.1")
        card.refresh_from_db()
        assert card.user_id is None

    def test_is_not_opened_again(self) -> None:
        driver = make_driver()
        closing.close_account(driver, at=clock.now())
        with pytest.raises(Conflict) as refused:
            staff.change_staff(
                driver,
                role=Role.DRIVER,
                operators=[],
                is_active=True,
                display_name="",
                language="th",
                actor=ACTOR,
            )
        assert refused.value.code == "account_closed"
