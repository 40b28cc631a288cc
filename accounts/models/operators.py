from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Operator(models.Model):
    """A tenant: the company that runs sites. Every site belongs to one."""

    code = models.SlugField(_("code"), max_length=50, unique=True)
    name = models.CharField(_("name"), max_length=200, unique=True)
    name_th = models.CharField(_("name in Thai"), max_length=200, blank=True)
    currency = models.CharField(_("currency"), max_length=3, default="THB")
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    # Processes of the version before write rows too while a deployment runs.
    updated_at = models.DateTimeField(_("updated"), auto_now=True, db_default=Now())

    class Meta:
        verbose_name = _("operator")
        verbose_name_plural = _("operators")
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name
