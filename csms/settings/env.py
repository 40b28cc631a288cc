"""The typed environment: every variable the program reads, with its type and its check.

`base.py` takes values from here; `production.py` asks for the ones that have no safe default.
A bad or missing value raises `ImproperlyConfigured` with the variable's name and how to make one.
"""

import os
import secrets
import socket
from pathlib import Path
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
