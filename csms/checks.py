"""System checks of the composition root: what production must never run with.

`csms.settings.production` already refuses to load without the values it needs. These checks catch
a settings module of one's own that was derived from it, and run before every command.
"""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


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
    ]
