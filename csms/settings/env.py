"""The typed environment: every variable the program reads, with its type and its check.

`base.py` takes values from here; `production.py` asks for the ones that have no safe default.
A bad or missing value raises `ImproperlyConfigured` with the variable's name and how to make one.
"""

import ipaddress
import os
import re
import secrets
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent.parent

env = environ.Env()
if os.environ.get("CSMS_READ_DOTENV", "1") == "1":
    environ.Env.read_env(BASE_DIR / ".env")
VAR_DIR = Path(os.environ.get("CSMS_VAR_DIR", BASE_DIR / "var"))

HOW_TO_SIGNING_KEY = "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(64))'"
HOW_TO_ENCRYPTION_KEY = (
    "Make one with: python -c "
    "'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
)
HOW_TO_HOSTS = (
    "Give the host names this server answers to, e.g. DJANGO_ALLOWED_HOSTS=csms.example.co.th"
)
HOW_TO_DATABASE = (
    "Give a PostgreSQL address, e.g. DATABASE_URL=postgres://csms:PASSWORD@db:5432/csms"
)
HOW_TO_REDIS = "Give a Redis address, e.g. REDIS_URL=redis://redis:6379/0"

HOW_TO_MAIL = (
    "Give a mail server, e.g. EMAIL_URL=smtp+tls://USER:PASSWORD@mail.example.co.th:587, or "
    "smtp+ssl://…:465"
)
MAIL_SCHEMES = ("smtp", "smtps", "smtp+tls", "smtp+ssl")
HOW_TO_SMS = "Give your provider's class, or nothing: then phone numbers are not taken."


def required(name: str, how: str) -> str:
    """The variable's value; `ImproperlyConfigured` naming the variable and the remedy if unset."""
    value = str(env.str(name, default="")).strip()
    if not value:
        raise ImproperlyConfigured(f"{name} is not set. {how}")
    return value


def required_secret_key() -> str:
    value = required("DJANGO_SECRET_KEY", HOW_TO_SIGNING_KEY)
    if len(value) < 50 or len(set(value)) < 5 or value.startswith("django-insecure-"):
        raise ImproperlyConfigured(
            "DJANGO_SECRET_KEY is too short or too regular to be a secret. " + HOW_TO_SIGNING_KEY
        )
    return value


def required_hosts() -> list[str]:
    hosts = [h.strip() for h in required("DJANGO_ALLOWED_HOSTS", HOW_TO_HOSTS).split(",")]
    hosts = [h for h in hosts if h]
    if "*" in hosts or not hosts:
        raise ImproperlyConfigured("DJANGO_ALLOWED_HOSTS must not be '*'. " + HOW_TO_HOSTS)
    return hosts


def required_encryption_keys() -> list[str]:
    value = required("FIELD_ENCRYPTION_KEYS", HOW_TO_ENCRYPTION_KEY)
    return parse_encryption_keys(value)


def parse_encryption_keys(value: str) -> list[str]:
    """Comma-separated Fernet keys, newest first."""
    keys = [key.strip() for key in value.split(",") if key.strip()]
    for key in keys:
        try:
            Fernet(key.encode())
        except ValueError as error:
            raise ImproperlyConfigured(
                "FIELD_ENCRYPTION_KEYS holds a value that is no Fernet key. "
                + HOW_TO_ENCRYPTION_KEY
            ) from error
    return keys


def required_url(name: str, schemes: tuple[str, ...], how: str) -> str:
    value = required(name, how)
    if urlsplit(value).scheme not in schemes:
        raise ImproperlyConfigured(f"{name} must start with {' or '.join(schemes)}. {how}")
    return value


def parse_networks(
    name: str, values: list[str]
) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """Addresses and networks, such as 172.30.57.2 and 10.0.0.0/8."""
    try:
        return tuple(ipaddress.ip_network(value.strip()) for value in values if value.strip())
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{name} holds what is no address or network: {error}"
        ) from error


UNIT_SECONDS = {"m": 60, "h": 3600, "d": 86400}


def parse_rates(name: str, value: str) -> tuple[tuple[int, int], ...]:
    """(most, seconds) of each part of `1/m,5/h,10/d`; all of them hold at once."""
    found = []
    for part in value.split(","):
        match = re.fullmatch(r"([1-9]\d{0,6})/([1-9]\d{0,3})?([mhd])", part.strip())
        if match is None:
            raise ImproperlyConfigured(
                f"{name} holds {part!r}, which is no rate; write it like 1/m,5/h,10/d"
            )
        found.append((int(match[1]), int(match[2] or 1) * UNIT_SECONDS[match[3]]))
    return tuple(found)


def retention_days(name: str, days: int, *, least: int = 1) -> int:
    """For how many days a kind of data is kept; `least` is what the law asks for."""
    if days < least:
        raise ImproperlyConfigured(f"{name} is {days}. Give {least} or more.")
    return days


def at_least(least: int, name: str, value: int) -> int:
    """The value, or `ImproperlyConfigured` where it is smaller than what makes sense."""
    if value < least:
        raise ImproperlyConfigured(f"{name} is {value}. Give {least} or more.")
    return value


def mail_server() -> dict[str, Any]:
    """Django's settings for sending mail; without a server mails go to the process's output."""
    try:
        address = env.str("EMAIL_URL", default="") or "consolemail://"
        found: dict[str, Any] = env.email_url_config(address)
    except (ImproperlyConfigured, ValueError) as error:
        raise ImproperlyConfigured(f"EMAIL_URL names no mail server. {HOW_TO_MAIL}") from error
    return found


def delivering_sms_backend() -> str:
    """The class that sends text messages, or nothing; none of ours, which print or keep them."""
    value = str(env.str("SMS_BACKEND", default="")).strip()
    if value.startswith("csms.common.sms."):
        raise ImproperlyConfigured(f"SMS_BACKEND names a class for development. {HOW_TO_SMS}")
    return value


def local_secret(name: str, make: str = "urlsafe") -> str:
    """A secret of this checkout, made once and kept under `var/`, so that no key is in the repo.

    Several processes may start at once: the first to link its file in place wins.
    """
    path = VAR_DIR / "secrets" / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        value = Fernet.generate_key().decode() if make == "fernet" else secrets.token_urlsafe(64)
        draft = path.with_name(f".{name}.{os.getpid()}.{socket.gethostname()}")
        draft.touch(mode=0o600)
        draft.write_text(value)
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another process was first: its value counts
        finally:
            draft.unlink()
    return path.read_text().strip()
