from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from chargepoints.domain.security import CertificateType, RequestState
from chargepoints.models.commands import Command
from chargepoints.models.stations import Station
from csms.common.fields import EncryptedTextField


class SecurityEvent(models.Model):
    """Something that a charger reports for its security log: append-only."""

    station = models.ForeignKey(
        Station, models.PROTECT, related_name="security_events", verbose_name=_("station")
    )
    type = models.CharField(_("type"), max_length=255)
    is_critical = models.BooleanField(_("critical"))
    tech_info = models.CharField(_("information"), max_length=1000, blank=True)
    occurred_at = models.DateTimeField(_("occurred"))
    received_at = models.DateTimeField(_("received"))

    class Meta:
        verbose_name = _("security event")
        verbose_name_plural = _("security events")
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["station", "-received_at"]),
            models.Index(
                fields=["-received_at"],
                name="security_event_critical",
                condition=Q(is_critical=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.station_id} {self.type}"


class CertificateAuthority(models.Model):
    """The local authority that signs chargers' certificates. One is active."""

    name = models.CharField(_("name"), max_length=100)
    certificate = models.TextField(_("certificate"))
    private_key = EncryptedTextField()
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created"))

    class Meta:
        verbose_name = _("certificate authority")
        verbose_name_plural = _("certificate authorities")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["is_active"],
                name="certificate_authority_one_active",
                condition=Q(is_active=True),
            )
        ]

    def __str__(self) -> str:
        return self.name


class CertificateRequest(models.Model):
    """A charger's request for a certificate of its own, and what became of it."""

    station = models.ForeignKey(
        Station, models.PROTECT, related_name="certificate_requests", verbose_name=_("station")
    )
    csr = models.TextField(_("request"))
    state = models.CharField(
        _("state"), max_length=10, choices=[(s.value, s.value) for s in RequestState]
    )
    detail = models.CharField(_("detail"), max_length=500, blank=True)
    chain = models.TextField(_("certificate"), blank=True)
    serial_number = models.CharField(_("serial number"), max_length=40, blank=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    command = models.OneToOneField(
        Command,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="certificate_request",
        verbose_name=_("command"),
    )
    received_at = models.DateTimeField(_("received"))
    revoked_at = models.DateTimeField(
        _("revoked"),
        null=True,
        blank=True,
        help_text=_("From then on its certificate lets nobody in."),
    )

    class Meta:
        verbose_name = _("certificate request")
        verbose_name_plural = _("certificate requests")
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["station"],
                name="certificate_request_one_open",
                condition=Q(state__in=["PENDING", "SIGNED"]),
            ),
            models.CheckConstraint(
                condition=Q(state__in=[s.value for s in RequestState]),
                name="certificate_request_state_known",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["SIGNED", "INSTALLED"]) | ~Q(chain=""),
                name="certificate_request_signed_has_chain",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["station", "-revoked_at"],
                name="certificate_request_revoked",
                condition=Q(revoked_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.station_id} {self.state}"


class PasswordChange(models.Model):
    """A password that a charger was told and has not used yet; until it does, both are right."""

    station = models.ForeignKey(
        Station, models.PROTECT, related_name="password_changes", verbose_name=_("station")
    )
    command = models.OneToOneField(
        Command, models.PROTECT, related_name="password_change", verbose_name=_("command")
    )
    password_hash = models.CharField(max_length=200, editable=False)

    class Meta:
        verbose_name = _("password change")
        verbose_name_plural = _("password changes")
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.station_id} {self.command_id}"


class InstalledCertificate(models.Model):
    """A root certificate that a charger trusts, as it last told."""

    station = models.ForeignKey(
        Station, models.PROTECT, related_name="installed_certificates", verbose_name=_("station")
    )
    type = models.CharField(
        _("type"), max_length=30, choices=[(t.value, t.value) for t in CertificateType]
    )
    hash_algorithm = models.CharField(_("hash"), max_length=10)
    issuer_name_hash = models.CharField(_("hash of the issuer's name"), max_length=128)
    issuer_key_hash = models.CharField(_("hash of the issuer's key"), max_length=128)
    serial_number = models.CharField(_("serial number"), max_length=40)
    known_at = models.DateTimeField(_("as of"))

    class Meta:
        verbose_name = _("installed certificate")
        verbose_name_plural = _("installed certificates")
        ordering: ClassVar = ["station", "type", "serial_number"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["station", "type", "issuer_key_hash", "serial_number"],
                name="installed_certificate_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.station_id} {self.serial_number}"
