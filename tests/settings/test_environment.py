"""The environment's variables: each in `.env.example`, and nothing read behind its back."""

import re
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from csms.settings.backends import postgresql
from csms.settings.env import BASE_DIR, at_least, parse_rates

SETTINGS = BASE_DIR / "csms" / "settings"
# `env.str("NAME"`, `os.environ.get("NAME"`, `required("NAME"`, `required_url("NAME"`, broken or not
READ = re.compile(
    r"""(?:\benv\.\w+|environ\.get|\brequired(?:_\w+)?|environ)\s*[(\[]\s*["']([A-Z][A-Z0-9_]+)["']"""
)
# Only for tests, or set by the one that starts the process.
NOT_FOR_OPERATORS = {"TEST_SUFFIX", "DJANGO_SETTINGS_MODULE"}


def variables_read(folder: Path) -> set[str]:
    return {
        name for path in sorted(folder.rglob("*.py")) for name in READ.findall(path.read_text())
    } - NOT_FOR_OPERATORS


def test_the_example_names_every_variable_and_no_other() -> None:
    example = (BASE_DIR / ".env.example").read_text()
    named = set(re.findall(r"^#?\s?([A-Z][A-Z0-9_]+)=", example, re.MULTILINE))
    read = variables_read(SETTINGS)
    assert len(read) > 15
    assert read - named == set(), "missing in .env.example"
    assert named - read == set(), "in .env.example, but read by nobody"


def test_the_example_holds_no_secret() -> None:
    example = (BASE_DIR / ".env.example").read_text()
    for name in ("DJANGO_SECRET_KEY", "FIELD_ENCRYPTION_KEYS"):
        assert re.search(rf"^{name}=$", example, re.MULTILINE)


def test_the_environment_is_read_in_the_settings_only() -> None:
    apps = ("accounts", "chargepoints", "transactions", "ocpp_gateway", "csms/common")
    readers = [
        path.relative_to(BASE_DIR).as_posix()
        for app in apps
        for path in sorted((BASE_DIR / app).rglob("*.py"))
        if re.search(r"os\.environ|os\.getenv", path.read_text())
    ]
    assert readers == []


def test_a_limit_that_locks_everybody_out_stops_the_start() -> None:
    assert at_least(1, "LOGIN_FAILURES_PER_ADDRESS", 1) == 1
    with pytest.raises(ImproperlyConfigured, match="LOGIN_FAILURES_PER_ADDRESS is 0"):
        at_least(1, "LOGIN_FAILURES_PER_ADDRESS", 0)


def test_rates_hold_together() -> None:
    assert parse_rates("CODES", "1/m, 5/h,10/d") == ((1, 60), (5, 3600), (10, 86400))
    assert parse_rates("CODES", "3/15m") == ((3, 900),)


@pytest.mark.parametrize("value", ["", "1/m,", "0/m", "1/0m", "x/m", "1/w", "-1/m", "1", "1/m;2/h"])
def test_what_is_no_rate_stops_the_start_and_is_named(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="CODE_RATES_SMS"):
        parse_rates("CODE_RATES_SMS", value)


def test_postgresql_lets_go_of_processes_that_vanished(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgres://csms@db.example.co.th/csms?options=-c%20search_path%3Dcsms"
    options = postgresql(url)["OPTIONS"]["options"]
    assert options.startswith("-c idle_in_transaction_session_timeout=")
    assert options.endswith(" -c search_path=csms")  # the operator's word is the last one
    # Behind a connection pooler, which may refuse them.
    monkeypatch.setenv("DATABASE_PREPARED_STATEMENTS", "off")
    assert postgresql(url)["OPTIONS"]["options"] == "-c search_path=csms"
    monkeypatch.setenv("DATABASE_PREPARED_STATEMENTS", "on")
    monkeypatch.setenv("DATABASE_SERVER_TIMEOUTS", "off")
    assert postgresql(url)["OPTIONS"]["options"] == "-c search_path=csms"
