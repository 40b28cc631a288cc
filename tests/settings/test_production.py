"""Production refuses to boot on a missing or bad value, and says which and what to do."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.checks import run_checks

from accounts.domain.breached_passwords import fingerprint, write
from csms.settings.env import BASE_DIR

GOOD = {
    "DJANGO_SETTINGS_MODULE": "csms.settings.production",
    "DJANGO_SECRET_KEY": "Zk3-_9xPq7Lm2Vt8Rn5Yb1Wc6Hd4Jf0Gs-Ea_Tu7Io9Pl3Kj5Mn8Bv2Cx4Zq6Wr1",
    "DJANGO_ALLOWED_HOSTS": "csms.example.co.th",
    "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    "DATABASE_URL": "postgres://csms:password@db.invalid:5432/csms",
    "REDIS_URL": "redis://redis.invalid:6379/0",
    "EMAIL_URL": "smtp+tls://csms:password@mail.invalid:587",
}
BAD = [
    ("DJANGO_SECRET_KEY", "", "is not set"),
    ("DJANGO_SECRET_KEY", "short", "too short"),
    ("DJANGO_SECRET_KEY", "a" * 60, "too regular"),
    ("DJANGO_SECRET_KEY", "django-insecure-" + "abcdefgh" * 8, "too regular"),
    ("DJANGO_ALLOWED_HOSTS", "", "is not set"),
    ("DJANGO_ALLOWED_HOSTS", "*", "must not be"),
    ("DJANGO_ALLOWED_HOSTS", " , ", "must not be"),
    ("FIELD_ENCRYPTION_KEYS", "", "is not set"),
    ("FIELD_ENCRYPTION_KEYS", "not-a-key", "no Fernet key"),
    ("DATABASE_URL", "", "is not set"),
    ("DATABASE_URL", "sqlite:///csms.sqlite3", "must start with"),
    ("REDIS_URL", "", "is not set"),
    ("REDIS_URL", "http://redis", "must start with"),
    ("EMAIL_URL", "http://mail.invalid", "names no mail server"),
    ("EMAIL_URL", "", "is not set"),
    ("EMAIL_URL", "consolemail://", "must start with"),
    ("EMAIL_URL", "filemail:///tmp/mail", "must start with"),
    ("SMS_BACKEND", "csms.common.sms.ConsoleSms", "for development"),
    ("SESSION_RETENTION_DAYS", "1826", "Give 1827 or more"),
    ("SIGN_IN_RETENTION_DAYS", "89", "Give 90 or more"),
    ("LINK_ATTEMPT_RETENTION_DAYS", "0", "Give 1 or more"),
]


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT")
    }
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=BASE_DIR,
        env={**inherited, "CSMS_READ_DOTENV": "0", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def boot(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return run(environment, "-c", "from django.conf import settings; print(settings.DEBUG)")


@pytest.mark.parametrize(("name", "value", "complaint"), BAD)
def test_a_bad_value_stops_the_boot_by_name(
    name: str, value: str, complaint: str, tmp_path: Path
) -> None:
    result = boot({**GOOD, "CSMS_VAR_DIR": str(tmp_path), name: value})
    assert result.returncode != 0
    last_line = result.stderr.strip().splitlines()[-1]
    assert "ImproperlyConfigured" in last_line
    assert name in last_line
    assert complaint in last_line
    assert re.search(r"Make one with|Give ", last_line), "says how to make a value"
    if len(value) > 10:
        assert value not in result.stderr, "the refused value may be a secret"


def test_good_values_boot_and_pass_the_deploy_checks(tmp_path: Path) -> None:
    environment = {**GOOD, "CSMS_VAR_DIR": str(tmp_path)}
    assert boot(environment).stdout.strip() == "False"
    check = ("manage.py", "check", "--deploy", "--fail-level", "WARNING")
    without_messages = run(environment, *check)
    assert without_messages.returncode == 1
    assert without_messages.stderr.count("csms.") == without_messages.stderr.count("csms.W002") > 0
    result = run({**environment, "SMS_BACKEND": "provider.Sms"}, *check)
    assert result.returncode == 0, result.stdout + result.stderr


def test_production_has_no_simulators(tmp_path: Path) -> None:
    result = run(
        {**GOOD, "CSMS_VAR_DIR": str(tmp_path)},
        "-c",
        "from django.conf import settings; print('simulators' in settings.INSTALLED_APPS)",
    )
    assert result.stdout.strip() == "False", result.stderr


def test_settings_derived_from_production_are_checked(settings) -> None:
    settings.CSMS_ENVIRONMENT = "production"
    settings.DEBUG = True
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS]
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    settings.CELERY_BROKER_URL = "filesystem://"
    settings.FIELD_ENCRYPTION_KEYS = []
    settings.SMS_BACKEND = "csms.common.sms.ConsoleSms"
    found = {message.id for message in run_checks(tags=["csms"])}
    assert {"csms.E001", "csms.E003", "csms.E005", "csms.E007", "csms.E008", "csms.E009"} <= found
    assert ("csms.E002" in found) == ("simulators" in settings.INSTALLED_APPS)


def test_the_checks_are_silent_outside_of_production() -> None:
    assert run_checks(tags=["csms"]) == []


@pytest.mark.parametrize("content", [None, b"", b"password\n", b"12345678" * 2])
def test_a_file_of_leaked_passwords_that_is_none_is_refused(
    settings, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "leaked"
    settings.BREACHED_PASSWORDS_FILE = str(path)
    if content is not None:
        path.write_bytes(content)
    assert [message.id for message in run_checks(tags=["csms"])] == ["csms.E010"]
    write(path, [fingerprint("password")])
    assert run_checks(tags=["csms"]) == []
