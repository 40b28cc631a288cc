from typing import ClassVar
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from chargepoints.domain.quirks import (
    LONGEST_CONFIGURATION_VALUE,
    ConnectorRule,
    Pattern,
    Quirks,
    RegisterKind,
    Strictness,
)

LARGEST_CONFIGURATION_LIMIT = 10_000


def check_zone(name: str) -> None:
    """A name of the IANA database (`Asia/Bangkok`)."""
    if name not in available_timezones():
        raise ValidationError(_("There is no such time zone."))


class QuirkProfile(models.Model):
    """How the chargers of a vendor, model or firmware deviate from OCPP: data, not code.

    The most specific active profile that fits what a charger reports at its boot is the charger's,
    unless the station names another one. A profile without patterns is only for naming.
    """

    class Subprotocol(models.TextChoices):
        NONE = "", _("It offers one, as it must")
        OCPP_16 = "ocpp1.6", _("None offered means OCPP 1.6")

    class Register(models.TextChoices):
        UNKNOWN = RegisterKind.UNKNOWN.value, _("Not known: judged session by session")
        LIFETIME = RegisterKind.LIFETIME.value, _("Everything since it was built")
        PER_SESSION = RegisterKind.PER_SESSION.value, _("From 0 in each session")

    class Connector(models.TextChoices):
        OPTIONAL = ConnectorRule.OPTIONAL.value, _("May be named")
        REQUIRED = ConnectorRule.REQUIRED.value, _("Must be named")
        REFUSED = ConnectorRule.REFUSED.value, _("Must not be named: it has only one")

    class Tolerance(models.TextChoices):
        LENIENT = Strictness.LENIENT.value, _("Accepted where they can be understood")
        STRICT = Strictness.STRICT.value, _("Refused, except in what belongs to a session")

    name = models.CharField(_("name"), max_length=100, unique=True)
    note = models.TextField(_("note"), blank=True)
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("An inactive profile changes nothing.")
    )
    vendor = models.CharField(
        _("vendor"),
        max_length=100,
        blank=True,
        help_text=_("As the charger reports it, in any case; * for any letters, ? for one."),
    )
    model = models.CharField(_("model"), max_length=100, blank=True)
    firmware = models.CharField(_("firmware"), max_length=100, blank=True)

    default_subprotocol = models.CharField(
        _("subprotocol"),
        max_length=20,
        choices=Subprotocol,
        default=Subprotocol.NONE,
        blank=True,
        help_text=_(
            "Before its first boot nobody knows whose charger it is: then the station must say it."
        ),
    )
    answers_no_pings = models.BooleanField(
        _("answers no pings"),
        default=False,
        help_text=_("The connection is closed only when no message comes any more."),
    )
    strictness = models.CharField(
        _("deviating messages"), max_length=10, choices=Tolerance, default=Tolerance.LENIENT
    )
    register_kind = models.CharField(
        _("what the meter counts"), max_length=12, choices=Register, default=Register.UNKNOWN
    )
    clock_zone = models.CharField(
        _("local time sent as UTC"),
        max_length=50,
        blank=True,
        validators=[check_zone],
        help_text=_("Its zone, such as Asia/Bangkok. Empty: its times are what they say."),
    )
    is_available_before_stop = models.BooleanField(
        _("reports Available before the end of the session"),
        default=False,
        help_text=_("The car counts as unplugged from then on."),
    )
    start_connector = models.CharField(
        _("connector in a remote start"),
        max_length=10,
        choices=Connector,
        default=Connector.OPTIONAL,
    )
    needs_trigger_connector = models.BooleanField(
        _("needs a connector when asked for a message"),
        default=False,
        help_text=_("Connector 1 is named where nobody names another."),
    )
    longest_configuration_value = models.PositiveSmallIntegerField(
        _("longest configuration value"),
        default=LONGEST_CONFIGURATION_VALUE,
        validators=[MinValueValidator(1), MaxValueValidator(LARGEST_CONFIGURATION_LIMIT)],
        help_text=_("In characters; OCPP 1.6 allows 500."),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("quirk profile")
        verbose_name_plural = _("quirk profiles")
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(register_kind__in=[kind.value for kind in RegisterKind]),
                name="quirk_profile_register_known",
            ),
            models.CheckConstraint(
                condition=Q(start_connector__in=[rule.value for rule in ConnectorRule]),
                name="quirk_profile_connector_rule_known",
            ),
            models.CheckConstraint(
                condition=Q(strictness__in=[word.value for word in Strictness]),
                name="quirk_profile_strictness_known",
            ),
            models.CheckConstraint(
                condition=Q(longest_configuration_value__gte=1),
                name="quirk_profile_value_length_positive",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def pattern(self) -> Pattern:
        return Pattern(self.pk, self.vendor, self.model, self.firmware)

    @property
    def quirks(self) -> Quirks:
        return Quirks(
            default_subprotocol=self.default_subprotocol,
            answers_no_pings=self.answers_no_pings,
            strictness=Strictness(self.strictness),
            register_kind=RegisterKind(self.register_kind),
            clock_zone=ZoneInfo(self.clock_zone) if self.clock_zone else None,
            is_available_before_stop=self.is_available_before_stop,
            start_connector=ConnectorRule(self.start_connector),
            needs_trigger_connector=self.needs_trigger_connector,
            longest_configuration_value=self.longest_configuration_value,
        )
