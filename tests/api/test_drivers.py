"""Drivers register, confirm and sign in."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AccountMessage, SignIn, User, Verification
from accounts.models.verifications import contact_digest
from accounts.services.refresh_families import MOST_DEVICES
from csms.common.models import AuditEntry
from tests.api.client import ApiClient
from tests.api.driver_support import (
    AUTH,
    EMAIL,
    OTHER_PASSWORD,
    PHONE,
    bearer,
    login,
    register,
    verify,
)
from tests.support.account_messages import code_sent_to, empty_outboxes, written_to
from tests.support.factories import PASSWORD, make_driver, make_staff
from tests.support.moving_clock import MovingClock

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _outboxes() -> Any:
    with empty_outboxes():
        yield


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> MovingClock:
    return MovingClock(monkeypatch)


class TestRegistering:
    def test_by_e_mail(self) -> None:
        asked = register(
            {"email": "Somchai@Example.com", "display_name": "Somchai", "language": "en"}
        )
        assert (asked["channel"], asked["sent_to"]) == ("EMAIL", "s•••@example.com")
        assert not User.objects.exists()
        assert verify(asked, code_sent_to(EMAIL)) == {"verified": "EMAIL"}
        user = User.objects.get()
        assert (user.email, user.role, user.language) == (EMAIL, "DRIVER", "en")
        assert user.email_verified_at
        profile = login(email="SOMCHAI@example.com")["user"]
        assert (profile["display_name"], profile["email_verified"]) == ("Somchai", True)
        assert AuditEntry.objects.filter(action="driver.register").count() == 1

    @pytest.mark.parametrize("typed", ["0812345678", "66812345678", "+66 81-234-5678"])
    def test_by_phone_however_it_is_written(self, typed: str) -> None:
        asked = register({"phone": typed})
        assert (asked["channel"], asked["sent_to"]) == ("SMS", "•••5678")
        verify(asked, code_sent_to(PHONE))
        profile = login(phone="081 234 5678")["user"]
        assert (profile["phone"], profile["email"], profile["phone_verified"]) == (
            PHONE,
            None,
            True,
        )

    def test_messages_are_in_the_persons_language(self, at: MovingClock) -> None:
        register({"email": EMAIL, "language": "th"})
        register({"phone": PHONE, "language": "en"}, "10.0.0.2")
        register({"email": "suda@example.com"}, "10.0.0.3", HTTP_ACCEPT_LANGUAGE="th")
        assert "รหัส" in written_to(EMAIL)[0]
        assert "is your code for CSMS" in written_to(PHONE)[0]
        assert "รหัส" in written_to("suda@example.com")[0]

    def test_the_number_is_nowhere_in_the_clear(self) -> None:
        verify(register({"phone": PHONE}), code_sent_to(PHONE))
        login(phone=PHONE, password="wrong-password-1", expect=401)
        from django.apps import apps

        for model in apps.get_models():
            with connection.cursor() as cursor:
                cursor.execute(f'SELECT * FROM "{model._meta.db_table}"')
                assert "812345678" not in str(cursor.fetchall()), model

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "email"),
            ({"email": EMAIL, "phone": PHONE}, "email"),
            ({"email": "no-address"}, "email"),
            ({"phone": "021234567"}, "phone"),
            ({"phone": "+12025550123"}, "phone"),
            ({"email": EMAIL, "password": "short"}, "password"),
            ({"email": EMAIL, "password": "x" * 257}, "password"),
            ({"email": EMAIL, "password": "nul-\x00-inside-it"}, "password"),
            ({"email": EMAIL, "password": "somchai@example.com"}, "password"),
            ({"email": EMAIL, "display_name": "a\u202eb"}, "display_name"),
            ({"email": EMAIL, "language": "de"}, "language"),
        ],
    )
    def test_what_is_wrong_is_named(self, body: dict[str, Any], field: str) -> None:
        problem = register(body, expect=400)
        assert problem["errors"][0]["field"] == field
        assert not Verification.objects.exists()

    def test_no_numbers_where_no_messages_are_sent(self, settings: Any) -> None:
        settings.SMS_BACKEND = ""
        assert register({"phone": PHONE}, expect=400)["code"] == "channel_not_available"

    def test_nobody_is_made_staff_by_it(self) -> None:
        extra = {"role": "SUPERADMIN", "is_staff": True, "operators": [1], "is_active": False}
        verify(register({"email": EMAIL, **extra}), code_sent_to(EMAIL))
        user = User.objects.get()
        assert (user.role, user.is_active, user.operators.count()) == ("DRIVER", True, 0)


class TestNobodyIsTold:
    """A known address gets the same answer, and its owner a letter."""

    def test_when_registering(self, at: MovingClock) -> None:
        make_driver(EMAIL, language="en")
        known = register({"email": EMAIL}, "10.0.0.1")
        unknown = register({"email": "suda@example.com"}, "10.0.0.2")
        assert {**known, "verification_id": 0} == {
            **unknown,
            "verification_id": 0,
        }
        (letter,) = written_to(EMAIL)
        assert "belongs to an account already" in letter
        verify(known, "000000", expect=400)
        assert User.objects.get().check_password(PASSWORD)

    def test_when_resetting(self, at: MovingClock) -> None:
        make_driver(EMAIL)
        make_staff("staff@example.com")
        answers = [
            ApiClient().json(
                "post",
                f"{AUTH}/password-reset",
                {"email": address},
                REMOTE_ADDR=f"10.0.0.{number}",
                expect=202,
            )
            for number, address in enumerate((EMAIL, "nobody@example.com", "staff@example.com"))
        ]
        shown = [{**answer, "verification_id": 0, "sent_to": 0} for answer in answers]
        assert shown[0] == shown[1] == shown[2]
        assert code_sent_to(EMAIL)
        assert not written_to("nobody@example.com")
        assert not written_to("staff@example.com")

    @pytest.mark.parametrize("path", ["register", "password-reset"])
    def test_the_work_is_the_same(self, at: MovingClock, path: str) -> None:
        make_driver(EMAIL)
        statements = []
        for number, address in enumerate((EMAIL, "nobody@example.com")):
            body = {"email": address, **({"password": PASSWORD} if path == "register" else {})}
            with CaptureQueriesContext(connection) as queries:
                options = {"REMOTE_ADDR": f"10.0.0.{number}", "expect": 202}
                ApiClient().json("post", f"{AUTH}/{path}", body, **options)
            statements.append([query["sql"].split()[0] for query in queries])
        assert statements[0] == statements[1]
        assert 10 < len(statements[0]) < 20

    def test_a_password_is_hashed_once_whoever_it_is(self, monkeypatch: Any) -> None:
        from django.contrib.auth.hashers import MD5PasswordHasher

        hashed: list[str] = []
        encode = MD5PasswordHasher.encode

        def noted(self: Any, password: str, salt: str) -> str:
            hashed.append(password)
            return encode(self, password, salt)

        make_driver(EMAIL)
        make_driver("closed@example.com", is_active=False)
        register({"email": "waiting@example.com"})
        monkeypatch.setattr(MD5PasswordHasher, "encode", noted)
        for address in (EMAIL, "closed@example.com", "waiting@example.com", "nobody@example.com"):
            login(email=address, password="wrong-password-1", expect=401)
            assert hashed == ["wrong-password-1"], address
            hashed.clear()
            # As it was typed as well, for hashes from before passwords had one form.
            login(email=address, password="e\u0301" * 12, expect=401)
            assert hashed == ["é" * 12, "e\u0301" * 12], address
            hashed.clear()


class TestNobodyPreparesAnAccountForSomebodyElse:
    def test_a_code_works_for_its_own_request_only(self, at: MovingClock) -> None:
        prepared = register({"email": EMAIL, "password": OTHER_PASSWORD}, "10.6.6.6")
        attackers_code = code_sent_to(EMAIL)
        at.forward(minutes=2)
        own = register({"email": EMAIL})
        owners_code = code_sent_to(EMAIL)
        if attackers_code != owners_code:
            verify(own, attackers_code, expect=400)
            verify(prepared, owners_code, expect=400)
        verify(own, owners_code)
        assert User.objects.get().check_password(PASSWORD)
        verify(prepared, attackers_code, expect=400)
        login(email=EMAIL, password=OTHER_PASSWORD, expect=401)

    def test_of_two_proofs_the_first_counts(self, at: MovingClock) -> None:
        first = register({"email": EMAIL})
        code = code_sent_to(EMAIL)
        make_driver(EMAIL, password=OTHER_PASSWORD)
        assert verify(first, code, expect=409)["code"] == "address_taken"
        assert User.objects.get().check_password(OTHER_PASSWORD)


class TestUnverified:
    def test_only_the_right_password_is_told(self) -> None:
        register({"email": EMAIL})
        assert login(email=EMAIL, password="wrong-password-1", expect=401)["code"] == (
            "credentials_not_valid"
        )
        for _again in range(6):
            assert login(email=EMAIL, expect=403)["code"] == "not_verified"

    def test_a_number_that_is_not_confirmed(self) -> None:
        make_driver(EMAIL, phone=PHONE, phone_verified_at=None)
        login(email=EMAIL)
        assert login(phone=PHONE, expect=403)["code"] == "not_verified"

    def test_for_a_day(self, at: MovingClock) -> None:
        register({"email": EMAIL})
        at.forward(hours=25)
        login(email=EMAIL, expect=401)


class TestSigningIn:
    def test_staff_are_nobody_here(self) -> None:
        make_staff("staff@example.com")
        answers = [login(email=a, expect=401) for a in ("staff@example.com", "x@example.com")]
        assert {answer["code"] for answer in answers} == {"credentials_not_valid"}
        assert not SignIn.objects.exists()

    def test_closed_accounts_do_not_open(self) -> None:
        make_driver(EMAIL, is_active=False)
        login(email=EMAIL, expect=401)

    def test_the_tokens_say_how_long_they_live(self) -> None:
        make_driver(EMAIL)
        answer = login(email=EMAIL)
        opened = SignIn.objects.get()
        assert answer["expires_in"] == 600
        assert (opened.expires_at - opened.created_at).days == 30

    def test_what_a_device_says_about_itself_is_kept_and_cut(self) -> None:
        make_driver(EMAIL)
        answer = ApiClient().json(
            "post",
            f"{AUTH}/login",
            {"email": EMAIL, "password": PASSWORD, "device_name": "Somchai's phone"},
            HTTP_USER_AGENT="App/1.0\x1b[31m " + "x" * 1000,
            expect=200,
        )
        (row,) = bearer(answer["access"]).json("get", f"{AUTH}/devices", expect=200)["results"]
        assert row["device_name"] == "Somchai's phone"
        assert row["is_current"]
        assert len(row["user_agent"]) == 300
        assert "\x1b" not in row["user_agent"]

    def test_beyond_twenty_devices_the_one_unused_longest_goes(self, at: MovingClock) -> None:
        make_driver(EMAIL)
        tokens = []
        for _number in range(MOST_DEVICES + 1):
            at.forward(seconds=1)
            tokens.append(login(email=EMAIL)["access"])
        statuses = [bearer(token).get("/api/profile").status_code for token in tokens]
        assert statuses == [401] + [200] * MOST_DEVICES
        assert SignIn.objects.get(end_reason="TOO_MANY")


class TestMessages:
    def test_a_code_is_nowhere_in_the_database(self) -> None:
        register({"email": EMAIL})
        code = code_sent_to(EMAIL)
        for model in (Verification, AccountMessage):
            assert code not in str(list(model.objects.values()))
        from csms.common.fields import decrypt

        assert decrypt_all(AccountMessage, decrypt) == {EMAIL}

    def test_contacts_are_found_by_a_keyed_hash(self) -> None:
        from accounts.domain.contacts import Channel, Contact

        digest = contact_digest(Contact(Channel.SMS, PHONE))
        assert len(digest) == 64
        assert digest != contact_digest(Contact(Channel.EMAIL, PHONE))


def decrypt_all(model: Any, decrypt: Any) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT address FROM "{model._meta.db_table}"')
        return {decrypt(row[0]) for row in cursor.fetchall()}
