"""Accounts that people hold elsewhere (LINE, Google, Apple) and sign in with."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class ExternalIdentity(models.Model):
    """`subject` is what the provider calls the person, forever; an e-mail address may change."""

    provider = models.CharField(_("provider"), max_length=20)
    subject = models.CharField(_("subject"), max_length=255)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="external_identities",
        verbose_name=_("user"),
    )
    created_at = models.DateTimeField(_("created"))
    last_used_at = models.DateTimeField(_("last used"))

    class Meta:
        verbose_name = _("external identity")
        verbose_name_plural = _("external identities")
        ordering: ClassVar = ["provider", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["provider", "subject"], name="external_identity_subject_once"
            ),
            models.UniqueConstraint(
                fields=["user", "provider"], name="external_identity_one_per_provider"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider} #{self.pk}"


class SpentAssertion(models.Model):
    """A provider's token that was used to sign in: none works twice, whoever got hold of it."""

    digest = models.CharField(max_length=64, primary_key=True)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("spent assertion")
        verbose_name_plural = _("spent assertions")

    def __str__(self) -> str:
        return self.digest[:8]
