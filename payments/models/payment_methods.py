from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from csms.common.identifiers import uuid7


class PaymentMethod(models.Model):
    """A card that the payment provider keeps for a driver; we hold a reference, never a number."""

    class Provider(models.TextChoices):
        OMISE = "OMISE", "Omise"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    driver = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="payment_methods",
        verbose_name=_("driver"),
    )
    provider = models.CharField(_("provider"), max_length=10, choices=Provider)
    provider_reference = models.CharField(_("provider's reference"), max_length=100)
    brand = models.CharField(_("brand"), max_length=30)
    last_digits = models.CharField(_("last digits"), max_length=4)
    expiry_month = models.PositiveSmallIntegerField(_("expiry month"))
    expiry_year = models.PositiveSmallIntegerField(_("expiry year"))
    is_default = models.BooleanField(_("default"), default=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    removed_at = models.DateTimeField(_("removed"), null=True, blank=True)

    class Meta:
        verbose_name = _("payment method")
        verbose_name_plural = _("payment methods")
        ordering: ClassVar = ["-is_default", "created_at", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["provider", "provider_reference"],
                name="payment_method_once_per_reference",
            ),
            models.UniqueConstraint(
                fields=["driver"],
                condition=Q(is_default=True),
                name="payment_method_one_default_per_driver",
            ),
            models.CheckConstraint(
                condition=Q(is_default=False) | Q(removed_at__isnull=True),
                name="payment_method_default_not_removed",
            ),
            models.CheckConstraint(
                condition=Q(last_digits__regex=r"^[0-9]{4}$"),
                name="payment_method_four_digits",
            ),
            models.CheckConstraint(
                condition=Q(expiry_month__gte=1, expiry_month__lte=12),
                name="payment_method_month_exists",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.brand} ••••{self.last_digits}"
