"""Mails that count as delivered: kept in `django.core.mail.outbox`, as by Django's own back end.

Django's counts as no mail server, so that set-up links are shown and not mailed.
"""

from django.core.mail.backends import locmem

DELIVERING = "tests.support.mail.EmailBackend"


class EmailBackend(locmem.EmailBackend):
    """A mail server that takes everything."""
