"""System checks of the composition root: what production must never run with.

`csms.settings.production` already refuses to load without the values it needs. These checks catch
a settings module of one's own that was derived from it, and run before every command.
"""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from accounts.domain.breached_passwords import BreachedPasswords, NotThatFile
from csms.common import mail, sms
from csms.console.passkey_domain import passkeys_can_work


@register("csms")
def production_is_safe(**_kwargs: Any) -> list[CheckMessage]:
    """Errors `csms.E001` and following; nothing outside of production."""
    if settings.CSMS_ENVIRONMENT != "production":
        return []
    return [
        Error(message, hint=hint, id=identifier)
        for identifier, is_wrong, message, hint in _rules()
        if is_wrong
    ]


def _rules() -> list[tuple[str, bool, str, str]]:
    default_layer = settings.CHANNEL_LAYERS.get("default", {}).get("BACKEND", "")
    return [
        (
            "csms.E001",
            bool(settings.DEBUG),
            "DEBUG is on in production.",
            "Error pages would show secrets: remove it from your settings.",
        ),
        (
            "csms.E002",
            "simulators" in settings.INSTALLED_APPS,
            "The simulators are installed in production.",
            "Remove 'simulators' from INSTALLED_APPS: simulated chargers make real rows.",
        ),
        (
            "csms.E003",
            not default_layer or default_layer.endswith("InMemoryChannelLayer"),
            "The channel layer of production is in memory.",
            "Set REDIS_URL: other processes would not hear of commands and live changes.",
        ),
        (
            "csms.E004",
            settings.DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql",
            "The database of production is not PostgreSQL.",
            "Set DATABASE_URL=postgres://…",
        ),
        (
            "csms.E005",
            not getattr(settings, "FIELD_ENCRYPTION_KEYS", None),
            "There is no key for encrypted fields.",
            "Set FIELD_ENCRYPTION_KEYS.",
        ),
        (
            "csms.E006",
            "LocMemCache" in settings.CACHES["default"]["BACKEND"],
            "The cache of production is in the memory of one process.",
            "Set REDIS_URL: limits and lockouts would count per process.",
        ),
        (
            "csms.E007",
            str(settings.CELERY_BROKER_URL).startswith(("memory", "filesystem")),
            "The broker of production is local to one machine.",
            "Set REDIS_URL.",
        ),
        (
            "csms.E008",
            settings.SMS_BACKEND.startswith("csms.common.sms."),
            "SMS_BACKEND of production sends no messages.",
            "Name your provider's class, or leave it empty: then phone numbers are refused.",
        ),
        (
            "csms.E009",
            not mail.is_available(),
            "Mails of production are printed, kept or thrown away.",
            "Set EMAIL_URL=smtp+tls://…: one-time codes and set-up links must reach people, and "
            "nobody else.",
        ),
    ]


@register("csms")
def passkeys_can_be_used(**_kwargs: Any) -> list[CheckMessage]:
    """Warning `csms.W001`: the rest of the console works without passkeys."""
    if settings.CSMS_ENVIRONMENT != "production" or passkeys_can_work(
        settings.PUBLIC_URL, settings.PASSKEY_RP_ID
    ):
        return []
    return [
        Warning(
            "Staff cannot use passkeys: PUBLIC_URL is not https, or PASSKEY_RP_ID not its domain.",
            hint="Set PUBLIC_URL=https://HOST, and PASSKEY_RP_ID to HOST or a domain above it.",
            id="csms.W001",
        )
    ]


@register("csms", deploy=True)
def text_messages_can_be_sent(**_kwargs: Any) -> list[CheckMessage]:
    """Warning `csms.W002`: everything but phone numbers works without."""
    if settings.CSMS_ENVIRONMENT != "production" or sms.is_available():
        return []
    return [
        Warning(
            "No text messages are sent: nobody can register or sign in with a phone number.",
            hint="Name your provider's class in SMS_BACKEND, or add csms.W002 to "
            "SILENCED_SYSTEM_CHECKS.",
            id="csms.W002",
        )
    ]


@register("csms")
def leaked_passwords_can_be_read(**_kwargs: Any) -> list[CheckMessage]:
    """Error `csms.E010`, anywhere: else whoever chooses a password would be answered 500."""
    path = settings.BREACHED_PASSWORDS_FILE
    if not path:
        return []
    try:
        BreachedPasswords(Path(path))
    except (OSError, NotThatFile) as error:
        return [
            Error(
                f"BREACHED_PASSWORDS_FILE cannot be read: {error!r}.",
                hint="Make it with manage.py build_breached_passwords, or leave it empty.",
                id="csms.E010",
            )
        ]
    return []
