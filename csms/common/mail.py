"""Whether the mails that we send reach anybody."""

from django.conf import settings

# Django's back ends that print mails, keep them, or throw them away.
NOWHERE = frozenset(
    f"django.core.mail.backends.{name}.EmailBackend"
    for name in ("console", "filebased", "locmem", "dummy")
)


def is_available() -> bool:
    """Whether `EMAIL_BACKEND` hands mails to somebody who delivers them."""
    return settings.EMAIL_BACKEND not in NOWHERE
