from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from chargepoints.domain.charging_profiles import Kind, Purpose
from chargepoints.domain.states import ProfileState
from chargepoints.models.commands import Command
from chargepoints.models.stations import Station
from csms.common.state_names import choices


class ChargingProfile(models.Model):
    """A limit over time that a charger was given. Periods: seconds from its start, tenths of unit.

    `transaction_id` 0: of no transaction. `cycle`: seconds after which it begins again, 0: never.
    """

    station = models.ForeignKey(
        Station, models.PROTECT, related_name="charging_profiles", verbose_name=_("station")
    )
    evse_id = models.PositiveSmallIntegerField(
        _("EVSE number"), help_text=_("0: the whole station.")
    )
    profile_id = models.PositiveIntegerField(_("profile number"))
    purpose = models.CharField(
        _("purpose"), max_length=20, choices=[(p.value, p.value) for p in Purpose]
    )
    stack_level = models.PositiveIntegerField(_("stack level"))
    kind = models.CharField(_("kind"), max_length=10, choices=[(k.value, k.value) for k in Kind])
    cycle = models.PositiveIntegerField(_("begins again after (s)"), default=0)
    unit = models.CharField(_("unit"), max_length=1, choices=[("A", "A"), ("W", "W")])
    periods = models.JSONField(_("periods"))
    starts_at = models.DateTimeField(_("starts"))
    duration = models.PositiveIntegerField(_("duration (s)"), null=True, blank=True)
    valid_from = models.DateTimeField(_("valid from"), null=True, blank=True)
    valid_to = models.DateTimeField(_("valid until"), null=True, blank=True)
    transaction_id = models.BigIntegerField(_("transaction"), default=0)
    state = models.CharField(
        _("state"),
        max_length=10,
        choices=choices(ProfileState),
        default=ProfileState.REQUESTED.value,
    )
    command = models.OneToOneField(
        Command, models.PROTECT, related_name="charging_profile", verbose_name=_("command")
    )
    created_at = models.DateTimeField(_("created"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("charging profile")
        verbose_name_plural = _("charging profiles")
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["station", "profile_id"], name="profile_id_once_per_station"
            ),
            models.UniqueConstraint(
                fields=["station", "evse_id", "purpose", "stack_level", "transaction_id"],
                name="profile_one_per_level",
                condition=Q(state="ACTIVE"),
            ),
            models.CheckConstraint(
                condition=Q(state__in=[s.value for s in ProfileState]), name="profile_state_known"
            ),
            models.CheckConstraint(
                condition=~Q(purpose="station_max") | Q(evse_id=0),
                name="profile_maximum_is_of_the_station",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.station_id}/{self.profile_id}"


class CompositeSchedule(models.Model):
    """What a charger says it will allow, beside what its profiles amount to: append-only."""

    station = models.ForeignKey(
        Station, models.PROTECT, related_name="composite_schedules", verbose_name=_("station")
    )
    command = models.OneToOneField(
        Command, models.PROTECT, related_name="composite_schedule", verbose_name=_("command")
    )
    evse_id = models.PositiveSmallIntegerField(_("EVSE number"))
    starts_at = models.DateTimeField(_("starts"))
    duration = models.PositiveIntegerField(_("duration (s)"))
    unit = models.CharField(_("unit"), max_length=1)
    reported = models.JSONField(_("what the charger says"))
    expected = models.JSONField(_("what its profiles amount to"), null=True)
    is_as_expected = models.BooleanField(
        _("agrees"), null=True, help_text=_("Unknown where only the charger can tell.")
    )
    received_at = models.DateTimeField(_("received"))

    class Meta:
        verbose_name = _("composite schedule")
        verbose_name_plural = _("composite schedules")
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.station_id}/{self.evse_id} {self.starts_at}"
