from base64 import b32encode
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django_otp_webauthn.models import WebAuthnCredential

from accounts.domain.states import Role
from accounts.models import Authenticator, BackupCode
from accounts.services import sign_ins, staff
from csms.common import clock
from csms.common.audit import SystemActor
from csms.common.errors import Conflict, InvalidInput
from csms.common.models import AuditEntry
from tests.support.factories import (
    make_console_session,
    make_driver,
    make_operator,
    make_staff,
    make_superadmin,
    one_time_code,
)

ACTOR = SystemActor("test")
PASSWORD = "a-passphrase-of-staff"


@pytest.mark.django_db
class TestCreateStaff:
    def test_makes_staff_with_their_operators(self) -> None:
        operator = make_operator()
        user = staff.create_staff(" Nok@Example.com", PASSWORD, Role.STAFF, [operator])
        assert (user.email, user.is_staff, user.is_superuser) == ("nok@example.com", True, False)
        assert list(user.operators.all()) == [operator]
        assert user.check_password(PASSWORD)
        assert PASSWORD not in str(AuditEntry.objects.get(action="staff.create").changes)
        with pytest.raises(Conflict):
            staff.create_staff("NOK@example.com", PASSWORD, Role.SUPERADMIN, [])

    @pytest.mark.parametrize(
        ("arguments", "field"),
        [
            ({"role": Role.DRIVER}, "role"),
            ({"role": Role.STAFF}, "operators"),
            ({"email": "nobody"}, "email"),
            ({"password": "password12"}, "password"),
            ({"password": "short"}, "password"),
        ],
    )
    def test_refuses_what_makes_no_sense(self, arguments: dict[str, Any], field: str) -> None:
        sensible = {"email": "a@example.com", "password": PASSWORD, "role": Role.SUPERADMIN}
        with pytest.raises(InvalidInput) as refusal:
            staff.create_staff(**{**sensible, "operators": [], **arguments})
        assert refusal.value.errors[0].field == field


@pytest.mark.django_db
class TestSecondFactor:
    def test_the_authenticator_is_made_once(self) -> None:
        user = make_staff(with_otp=False)
        uri = staff.ensure_totp(user)
        assert uri == staff.ensure_totp(user)
        assert Authenticator.objects.filter(user=user, confirmed=True).count() == 1
        parts = urlsplit(uri)
        assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
        assert parse_qs(parts.query)["issuer"] == ["CSMS"]
        assert staff.renew_totp(user, actor=ACTOR) != uri
        assert Authenticator.objects.filter(user=user).count() == 1

    def test_a_lost_phone_opens_nothing_any_more(self) -> None:
        user = make_superadmin()
        old_code = staff.create_backup_codes(user)[0]
        WebAuthnCredential.objects.create(
            user=user, name="phone", credential_id=b"1", public_key=b"1", sign_count=0
        )
        session = make_console_session(user)
        now = clock.now()
        expires_at = now + timedelta(minutes=10)
        sign_in = sign_ins.sign_in(user, address="", expires_at=expires_at, at=now)
        staff.renew_totp(user, actor=ACTOR)
        assert not WebAuthnCredential.objects.exists()
        assert not staff.verify_code(user, old_code)
        session.refresh_from_db()
        sign_in.refresh_from_db()
        assert session.end_reason == "SECOND_FACTOR_RENEWED"
        assert sign_in.revoked_at is not None

    def test_a_code_works_once(self) -> None:
        user = make_staff(with_otp=False)
        staff.ensure_totp(user)
        code = one_time_code(user)
        assert staff.verify_code(user, f" {code[:3]} {code[3:]} ")
        assert not staff.verify_code(user, code)

    def test_guessing_is_slowed_down(self) -> None:
        user = make_staff()
        right = one_time_code(user)
        wrong = f"{(int(right) + 500_000) % 1_000_000:06}"
        assert not staff.verify_code(user, wrong)
        assert not staff.verify_code(user, right), "the right code must wait as well"

    def test_backup_codes_work_once_each_and_replace_the_old(self) -> None:
        user = make_staff(with_otp=False)
        old = staff.create_backup_codes(user)
        codes = staff.create_backup_codes(user)
        assert len(set(codes)) == 10
        assert BackupCode.objects.count() == 10
        assert staff.verify_code(user, codes[0].upper())
        assert staff.verify_code(user, codes[1])
        assert not staff.verify_code(user, codes[0])
        user_2 = make_staff(with_otp=False)
        staff.create_backup_codes(user_2)
        assert not staff.verify_code(user_2, old[0])

    @pytest.mark.parametrize("code", ["", " ", "\x00", "12345\x00", "๑๒๓๔๕๖", "1" * 17, "' or 1"])
    def test_what_is_no_code_is_refused(self, code: str) -> None:
        assert not staff.verify_code(make_staff(), code)

    def test_nobody_without_a_device_or_inactive_passes(self) -> None:
        assert not staff.verify_code(make_driver(), "123456")
        user = make_staff(is_active=False)
        assert not staff.verify_code(user, one_time_code(user))

    def test_the_database_shows_neither_seed_nor_backup_code(self) -> None:
        user = make_staff(with_otp=False)
        secret = parse_qs(urlsplit(staff.ensure_totp(user)).query)["secret"][0]
        codes = staff.create_backup_codes(user)
        with connection.cursor() as cursor:
            cursor.execute("SELECT seed FROM accounts_authenticator")
            stored_seed = str(cursor.fetchone()[0])
            cursor.execute("SELECT digest FROM accounts_backupcode")
            stored_codes = {row[0] for row in cursor.fetchall()}
        device = Authenticator.objects.get()
        assert b32encode(device.key).decode() == secret
        assert device.seed not in stored_seed
        assert secret not in stored_seed
        assert len(stored_codes) == 10
        assert not stored_codes & set(codes)

    def test_codes_are_those_of_rfc_6238(self, monkeypatch: pytest.MonkeyPatch) -> None:
        device = Authenticator(user=make_staff(with_otp=False), seed=b"12345678901234567890".hex())
        for second, code in ((59, "287082"), (1111111109, "081804"), (20000000000, "353130")):
            at = datetime.fromtimestamp(second, UTC)
            monkeypatch.setattr(clock, "now", lambda at=at: at)
            assert device.matches(code)
            assert not device.matches(code), "used up"

    def test_a_wrong_totp_costs_the_backup_codes_nothing(self) -> None:
        user = make_staff()
        codes = staff.create_backup_codes(user)
        assert not staff.verify_code(user, "000000")
        assert staff.check_code(user, "000000").is_throttled
        assert staff.verify_code(user, codes[0])
