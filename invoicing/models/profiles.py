from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from csms.common.fields import EncryptedTextField
from csms.common.identifiers import uuid7
from csms.common.provinces import PROVINCES
from invoicing.domain.tax_ids import HEAD_OFFICE, Party


class TaxInvoiceProfile(models.Model):
    """To whom a driver's tax invoices are made out (Revenue Code s.86/4).

    Documents copy what they print, so a profile may change and go. A person's tax id is the
    number of the identity card: encrypted, and found by `tax_id_digest`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    driver = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="tax_invoice_profiles",
        verbose_name=_("driver"),
    )
    party = models.CharField(
        _("kind"), max_length=10, choices=[(one.value, one.value) for one in Party]
    )
    tax_id = EncryptedTextField(_("tax id"))
    tax_id_digest = models.CharField(max_length=64, editable=False)
    branch = models.CharField(
        _("branch"), max_length=5, default=HEAD_OFFICE, help_text=_("00000: the head office.")
    )
    name = models.CharField(_("name"), max_length=200)
    address = models.CharField(
        _("address"), max_length=300, help_text=_("House number, building, street.")
    )
    sub_district = models.CharField(_("sub-district"), max_length=100)
    district = models.CharField(_("district"), max_length=100)
    province = models.CharField(
        _("province"),
        max_length=2,
        choices=[(one.code, one.name_th) for one in PROVINCES.values()],
    )
    postal_code = models.CharField(_("postal code"), max_length=5)
    email = models.EmailField(_("e-mail"), blank=True)
    is_default = models.BooleanField(_("default"), default=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("tax invoice profile")
        verbose_name_plural = _("tax invoice profiles")
        ordering: ClassVar = ["-is_default", "created_at", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["driver", "tax_id_digest", "branch"], name="profile_once_per_driver"
            ),
            models.UniqueConstraint(
                fields=["driver"],
                condition=Q(is_default=True),
                name="profile_one_default_per_driver",
            ),
            models.CheckConstraint(
                condition=Q(party__in=[one.value for one in Party]), name="profile_party_known"
            ),
            models.CheckConstraint(
                condition=Q(branch__regex=r"^[0-9]{5}$"), name="profile_branch_five_digits"
            ),
            models.CheckConstraint(
                condition=Q(postal_code__regex=r"^[0-9]{5}$"),
                name="profile_postal_code_five_digits",
            ),
            models.CheckConstraint(
                condition=Q(party=Party.COMPANY) | Q(branch=HEAD_OFFICE),
                name="profile_person_has_no_branch",
            ),
        ]

    def __str__(self) -> str:
        return self.name
