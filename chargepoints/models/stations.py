from typing import Any, ClassVar

from django.db import models
from django.db.models import Func, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from chargepoints.domain.public_codes import new_station_code
from chargepoints.domain.states import ConnectorStatus, RegistrationStatus
from chargepoints.models.quirks import QuirkProfile
from chargepoints.models.sites import Site


def default_versions() -> list[str]:
    return ["ocpp1.6"]


class RandomStationCode(Func):
    """A public code made by the database, for rows that are written without one.

    Random hexadecimal digits, with 0 and 1 replaced: ten characters of the same alphabet.
    """

    def as_postgresql(self, compiler: Any, connection: Any, **_context: Any) -> Any:
        # The last group of a random UUID is all chance.
        text = "substr(gen_random_uuid()::text, 25, 10)"
        return f"upper(translate({text}, '01', 'gh'))", []

    def as_sqlite(self, compiler: Any, connection: Any, **_context: Any) -> Any:
        return "replace(replace(hex(randomblob(5)), '0', 'G'), '1', 'H')", []


class Station(models.Model):
    """A charging station: one OCPP identity, one WebSocket.

    Strings that came from the charger (vendor, model, serial, firmware, …) are untrusted.
    """

    class SecurityProfile(models.IntegerChoices):
        """OCPP security profiles; 0 (no authentication) only where it is set explicitly."""

        NONE = 0, _("0: no authentication")
        BASIC = 1, _("1: password")
        TLS_BASIC = 2, _("2: TLS and password")
        MUTUAL_TLS = 3, _("3: client certificate")

    site = models.ForeignKey(Site, models.PROTECT, related_name="stations", verbose_name=_("site"))
    identity = models.CharField(_("identity"), max_length=48)
    public_code = models.CharField(
        _("public code"),
        max_length=10,
        default=new_station_code,
        # Processes of the version before write rows while a deployment runs.
        db_default=RandomStationCode(output_field=models.CharField()),
        editable=False,
        help_text=_("What drivers and strangers know the station by, instead of its identity."),
    )
    name = models.CharField(_("name"), max_length=200, blank=True)
    allowed_versions = models.JSONField(
        _("allowed OCPP versions"),
        default=default_versions,
        help_text=_('Any of ocpp1.6, ocpp2.0.1, ocpp2.1, e.g. ["ocpp1.6"].'),
    )
    security_profile = models.PositiveSmallIntegerField(
        _("security profile"), choices=SecurityProfile, default=SecurityProfile.BASIC
    )
    next_security_profile = models.PositiveSmallIntegerField(
        _("next security profile"),
        choices=SecurityProfile,
        null=True,
        blank=True,
        editable=False,
        help_text=_("The charger was told to use it; the first connection with it makes it count."),
    )
    password_hash = models.CharField(max_length=200, blank=True, editable=False)
    # When a person last took away what an open socket may have been let in for.
    credentials_changed_at = models.DateTimeField(null=True, blank=True, editable=False)
    assumes_subprotocol = models.BooleanField(
        _("may connect without a subprotocol"),
        default=False,
        help_text=_("For chargers that offer none: the connection then counts as OCPP 1.6."),
    )
    quirk_profile = models.ForeignKey(
        QuirkProfile,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("quirk profile"),
        help_text=_("Empty: the one that fits what the charger reports at its boot, if any does."),
    )
    matched_profile = models.ForeignKey(
        QuirkProfile,
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("quirk profile that fits"),
    )

    vendor = models.CharField(_("vendor"), max_length=255, blank=True)
    model = models.CharField(_("model"), max_length=255, blank=True)
    serial_number = models.CharField(_("serial number"), max_length=255, blank=True)
    firmware_version = models.CharField(_("firmware"), max_length=255, blank=True)
    iccid = models.CharField("ICCID", max_length=255, blank=True)
    imsi = models.CharField("IMSI", max_length=255, blank=True)
    meter_type = models.CharField(_("meter type"), max_length=255, blank=True)
    meter_serial_number = models.CharField(_("meter serial number"), max_length=255, blank=True)

    registration_status = models.CharField(
        _("registration"),
        max_length=10,
        choices=[(s.value, s.value) for s in RegistrationStatus],
        default=RegistrationStatus.ACCEPTED.value,
        help_text=_("The answer to the charger's BootNotification."),
    )
    booted_at = models.DateTimeField(_("last boot"), null=True, blank=True, editable=False)
    status = models.CharField(
        _("status of the station itself"),
        max_length=20,
        choices=[(s.value, s.value) for s in ConnectorStatus],
        default=ConnectorStatus.UNKNOWN.value,
        editable=False,
        help_text=_("Connector 0."),
    )
    status_at = models.DateTimeField(null=True, blank=True, editable=False)
    is_online = models.BooleanField(_("online"), default=False, db_index=True, editable=False)
    last_seen_at = models.DateTimeField(_("last seen"), null=True, blank=True, editable=False)
    connected_at = models.DateTimeField(_("connected"), null=True, blank=True, editable=False)
    ocpp_version = models.CharField(_("OCPP version"), max_length=10, blank=True, editable=False)

    archived_at = models.DateTimeField(
        _("archived"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("Deleted for everybody; its history stays."),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("station")
        verbose_name_plural = _("stations")
        ordering: ClassVar = ["identity"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                Lower("identity"), name="station_identity_unique_ignoring_case"
            ),
            models.CheckConstraint(condition=~Q(identity=""), name="station_identity_not_empty"),
            models.UniqueConstraint(fields=["public_code"], name="station_public_code_unique"),
            models.CheckConstraint(
                condition=Q(security_profile__in=[0, 1, 2, 3]),
                name="station_security_profile_known",
            ),
            models.CheckConstraint(
                condition=Q(next_security_profile__isnull=True)
                | Q(next_security_profile__gt=models.F("security_profile")),
                name="station_next_security_profile_higher",
            ),
        ]

    def __str__(self) -> str:
        return self.identity


class StationAnomaly(models.Model):
    """A deviation from the protocol or from what is known of a station, counted by kind."""

    station = models.ForeignKey(
        Station, models.PROTECT, related_name="anomalies", verbose_name=_("station")
    )
    kind = models.CharField(_("kind"), max_length=50)
    detail = models.CharField(_("detail"), max_length=1000, blank=True)
    count = models.PositiveIntegerField(_("count"), default=1)
    first_at = models.DateTimeField(_("first"))
    last_at = models.DateTimeField(_("last"))

    class Meta:
        verbose_name = _("anomaly")
        verbose_name_plural = _("anomalies")
        ordering: ClassVar = ["-last_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["station", "kind"], name="anomaly_once_per_kind")
        ]

    def __str__(self) -> str:
        return f"{self.station_id} {self.kind}"
