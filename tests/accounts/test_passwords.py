"""What passwords are accepted, and that the same one typed elsewhere is the same."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from accounts.domain.breached_passwords import (
    BreachedPasswords,
    NotThatFile,
    fingerprint,
    fingerprints,
    write,
)
from accounts.models import User
from accounts.services.drivers import check_password
from csms.common.errors import InvalidInput

OWNER = User(email="somchai.p@example.com", display_name="Somchai Prasert", phone="+66812345678")


def codes(password: str) -> set[str]:
    try:
        check_password(password, OWNER)
    except InvalidInput as refusal:
        return {error.code for error in refusal.errors if error.field == "password"}
    return set()


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("short-one", "password_too_short"),
        ("1234567890", "password_too_common"),
        ("PASSWORD123", "password_too_common"),
        ("ｐａｓｓｗｏｒｄ１２３", "password_too_common"),
        ("fktrcfylhjdbx", "password_breached"),
        (".MXBequita", "password_breached"),
        ("somchai.p@example.com", "password_too_similar"),
        ("somchai prasert", "password_too_similar"),
        ("0812345678", "password_too_similar"),
        ("x" * 257, "password_too_long"),
        ("has-a-nul-\x00-inside", "password_not_readable"),
        ("has-an-escape-\x1b", "password_not_readable"),
    ],
)
def test_what_is_refused_and_why(password: str, expected: str) -> None:
    assert expected in codes(password)


@pytest.mark.parametrize(
    "password",
    ["correct-horse-battery", "แมวสีดำนอนบนรถไฟ", "a b c d e f g h i", "zzzzzzzzzzzzq", "🔌" * 10],
)
def test_no_kinds_of_characters_are_asked_for(password: str) -> None:
    assert codes(password) == set()


def test_a_password_is_the_same_on_every_keyboard() -> None:
    user = User()
    user.set_password("ＡＢＣ-e\u0301te-กำแพง")
    for typed in ("ABC-éte-กำแพง", "ABC-éte-ก\u0e4dาแพง"):
        assert user.check_password(typed)
    assert not user.check_password("abc-éte-กำแพง")


def test_hashes_from_before_still_open() -> None:
    user = User(password=make_password("ＡＢＣ-old-password"))
    assert user.check_password("ＡＢＣ-old-password")
    assert not user.check_password("ABC-old-password")
    assert not user.check_password(None)


class TestTheFile:
    def test_finds_each_and_nothing_else(self, tmp_path: Path) -> None:
        path = tmp_path / "leaked.bin"
        words = [f"leaked-{number}" for number in range(1000)]
        assert write(path, fingerprints([*words, words[0]])) == 1000
        known = BreachedPasswords(path)
        assert len(known) == 1000
        assert all(word in known for word in words)
        assert not any(f"other-{number}" in known for number in range(1000))

    def test_an_empty_one_knows_nothing(self, tmp_path: Path) -> None:
        path = tmp_path / "leaked.bin"
        write(path, [])
        assert "anything" not in BreachedPasswords(path)

    @pytest.mark.parametrize("content", [b"", b"LEAKED1\n123", b"OTHER..\n" + b"x" * 8])
    def test_another_file_is_refused(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "leaked.bin"
        path.write_bytes(content)
        with pytest.raises(NotThatFile):
            BreachedPasswords(path)

    def test_is_made_from_published_hashes(self, tmp_path: Path, settings: Any) -> None:
        """SHA-1 of "leaked-password-1", seen 12 times, and of "seldom-seen-password", once."""
        published = tmp_path / "pwned.txt"
        import hashlib

        def line(password: str, count: int) -> str:
            return f"{hashlib.sha1(password.encode()).hexdigest().upper()}:{count}\r\n"

        published.write_text(line("leaked-password-1", 12) + line("seldom-seen-password", 1))
        plain = tmp_path / "plain.txt"
        plain.write_text("plain-password-2\n\n")
        output, said = tmp_path / "leaked.bin", StringIO()
        call_command(
            "build_breached_passwords",
            str(published),
            str(plain),
            "--output",
            str(output),
            "--minimum-count",
            "10",
            stdout=said,
        )
        assert said.getvalue().startswith("2 passwords")
        settings.BREACHED_PASSWORDS_FILE = str(output)
        assert codes("leaked-password-1") == {"password_breached"}
        assert codes("Plain-Password-2") == {"password_breached"}
        assert codes("seldom-seen-password") == set()

    def test_a_list_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError):
            call_command("build_breached_passwords", "nowhere", "--output", str(tmp_path / "x"))


def test_a_fingerprint_is_the_beginning_of_the_published_hash() -> None:
    assert fingerprint("password").hex() == "5baa61e4c9b93f3f"


def test_staff_passwords_keep_the_same_rules() -> None:
    from django.contrib.auth.password_validation import validate_password

    with pytest.raises(ValidationError):
        validate_password("fktrcfylhjdbx")
