from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.operators import Operator


class ApiKey(models.Model):
    """A partner's or gateway's key: shown once, kept as a SHA-256 of its 256 random bits."""

    name = models.CharField(_("name"), max_length=100)
    prefix = models.CharField(_("prefix"), max_length=12, unique=True)
    secret_hash = models.CharField(max_length=64, editable=False)
    scopes = models.JSONField(_("scopes"), default=list)
    operator = models.ForeignKey(
        Operator,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="api_keys",
        verbose_name=_("operator"),
        help_text=_("Empty: every operator's rows."),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)
    rotated_at = models.DateTimeField(_("secret renewed"), null=True, blank=True, editable=False)
    allowed_networks = models.JSONField(
        _("allowed networks"),
        default=list,
        db_default=models.Value([], output_field=models.JSONField()),
        blank=True,
        help_text=_("One network a line, such as 203.0.113.0/24. Empty: from anywhere."),
    )

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def is_authenticated(self) -> bool:
        """A key stands where a request's user stands."""
        return True

    @property
    def is_anonymous(self) -> bool:
        return False

    @property
    def audit_label(self) -> str:
        # The prefix, because names may repeat and idempotency keys are bound to this label.
        return f"key:{self.name} ({self.prefix})"

    @property
    def audit_user_id(self) -> int | None:
        return None


class RetiredSecret(models.Model):
    """A key's secret before a rotation, which works beside the new one until `valid_until`."""

    key = models.ForeignKey(ApiKey, models.CASCADE, related_name="retired_secrets")
    secret_hash = models.CharField(max_length=64, editable=False)
    valid_until = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["key", "secret_hash"], name="secret_retired_once")
        ]

    def __str__(self) -> str:
        return f"{self.key_id} {self.valid_until:%Y-%m-%d %H:%M:%S}"
