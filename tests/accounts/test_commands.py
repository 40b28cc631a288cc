"""The commands of accounts, as a person runs them."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.domain.states import Role
from accounts.models import ApiKey, Authenticator, IdToken, User
from accounts.services import keys, staff
from csms.common import clock
from csms.common.models import AuditEntry
from tests.support.factories import (
    make_driver,
    make_id_token,
    make_operator,
    one_time_code,
)

pytestmark = pytest.mark.django_db
PASSWORD = "a-passphrase-of-staff"


def run(*arguments: Any, **options: Any) -> tuple[str, str]:
    out, notes = io.StringIO(), io.StringIO()
    call_command(*arguments, stdout=out, stderr=notes, **options)
    return out.getvalue(), notes.getvalue()


class TestCreateApiKey:
    def test_prints_the_key_alone(self) -> None:
        out, notes = run("create_api_key", "partner")
        key = keys.verify(out.strip())
        assert key is not None
        assert (key.scopes, key.operator, key.expires_at) == (["read", "gateway"], None, None)
        assert out.count("\n") == 1
        assert out.strip() not in notes

    def test_narrows_the_key(self) -> None:
        operator = make_operator("plug")
        run(
            "create_api_key",
            "ops",
            "--scope=operate",
            "--scope=read",
            "--operator=plug",
            "--expires-in-days=30",
        )
        key = ApiKey.objects.get()
        assert (key.scopes, key.operator) == (["operate", "read"], operator)
        assert key.expires_at is not None
        assert key.expires_at - clock.now() > timedelta(days=29)

    @pytest.mark.parametrize(
        "wrong", [["--operator=none"], ["--expires-in-days=0"], ["--scope=root"], [""]]
    )
    def test_refuses_what_makes_no_sense(self, wrong: list[str]) -> None:
        name = ["partner"] if wrong != [""] else []
        with pytest.raises(CommandError):
            run("create_api_key", *name, *wrong)
        assert not ApiKey.objects.exists()


class TestCreateStaff:
    def test_prints_what_signing_in_needs(self) -> None:
        make_operator("plug")
        out, _notes = run(
            "create_staff", "nok@example.com", "--operator=plug", f"--password={PASSWORD}"
        )
        user = User.objects.get(email="nok@example.com")
        assert user.role == Role.STAFF
        assert user.check_password(PASSWORD)
        lines = dict(line.split(": ", 1) for line in out.splitlines())
        assert lines["Authenticator"] == staff.ensure_totp(user)
        assert f"secret={lines['Secret']}" in lines["Authenticator"]
        assert staff.verify_code(user, one_time_code(user))
        assert staff.verify_code(user, lines["Backup codes"].split()[9])

    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            (["--operator=none", f"--password={PASSWORD}"], "no operator with the code none"),
            ([f"--password={PASSWORD}"], "at least one operator"),
            (["--role=SUPERADMIN", "--password=short"], "too short"),
            (["--role=SUPERADMIN"], "give --password"),
        ],
    )
    def test_refuses_what_makes_no_sense(
        self, arguments: list[str], reason: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO())
        with pytest.raises(CommandError, match=reason):
            run("create_staff", "nok@example.com", *arguments)
        assert not User.objects.exists()

    def test_djangos_own_command_works_and_a_second_factor_can_follow(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
        run("createsuperuser", "--noinput", "--email=root@example.com")
        user = User.objects.get()
        assert user.is_superuser
        out, _notes = run("second_factor", "ROOT@example.com")
        assert Authenticator.objects.get(user=user).provisioning_uri in out
        with pytest.raises(CommandError):
            run("second_factor", make_driver().email)


class TestImportTokens:
    def load(self, folder: Path, text: str, *arguments: str) -> str:
        file = folder / "tokens.csv"
        file.write_text(text)
        return run("import_tokens", str(file), *arguments)[0]

    def test_makes_and_changes_tokens(self, tmp_path: Path) -> None:
        driver = make_driver("somchai@example.com")
        blocked = make_id_token("OLD1", status="BLOCKED", group="fleet", user=driver)
        text = (
            "token,type,status,expires_at,group,driver_email\n"
            "CARD1,RFID,,2027-12-31,fleet,Somchai@example.com\n"
            "APP1,central,blocked,2027-06-01T12:00,,\n"
            "old1,,,,-,-\n"
        )
        assert self.load(tmp_path, text).startswith("2 tokens created, 1 changed, 0 as they were")
        card, app = IdToken.objects.get(token="CARD1"), IdToken.objects.get(token="APP1")
        assert (card.type, card.status, card.group, card.user) == (
            "ISO14443",
            "ACCEPTED",
            "fleet",
            driver,
        )
        assert card.expires_at == datetime(2027, 12, 31, 17, tzinfo=UTC), "its day ends in Bangkok"
        assert (app.type, app.status) == ("Central", "BLOCKED")
        assert app.expires_at == datetime(2027, 6, 1, 5, tzinfo=UTC)
        blocked.refresh_from_db()
        assert (blocked.status, blocked.group, blocked.user) == ("BLOCKED", "", None)
        entries = AuditEntry.objects.count()
        assert self.load(tmp_path, text).startswith("0 tokens created, 0 changed, 3 as they were")
        assert AuditEntry.objects.count() == entries

    def test_names_every_mistake_and_applies_nothing(self, tmp_path: Path) -> None:
        make_id_token("FOREIGN", operator=make_operator())
        with pytest.raises(CommandError) as refusal:
            self.load(
                tmp_path,
                "token,type,status,expires_at,group,driver_email\n"
                "GOOD,,,,,\n"
                ",,,,,\n"
                "GOOD2,,,,,nobody@example.com\n"
                "good,USB,open,31.12.2027,,\n"
                "ก,,,2027-02-30,,\n"
                "FOREIGN,,,,,\n",
            )
        report = str(refusal.value).splitlines()
        places = [line.split(":")[0] for line in report[:-1]]
        assert places == [
            "line 4, column driver_email",
            "line 5, column type",
            "line 5, column status",
            "line 5, column expires_at",
            "line 5, column token",
            "line 6, column token",
            "line 6, column expires_at",
            "line 7, column token",
        ]
        assert "“nobody@example.com”" in report[0]
        assert IdToken.objects.count() == 1

    def test_tokens_of_one_operator(self, tmp_path: Path) -> None:
        operator = make_operator("plug")
        self.load(tmp_path, "token\nCARD1\n", "--operator=plug")
        assert IdToken.objects.get().operator == operator
        with pytest.raises(CommandError, match="no operator"):
            self.load(tmp_path, "token\nCARD1\n", "--operator=none")
