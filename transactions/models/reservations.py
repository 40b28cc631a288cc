from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import IdToken
from chargepoints.models import Command, Connector, Station
from csms.common.identifiers import uuid7
from transactions.domain.states import OPEN_RESERVATION_STATES, ReservationState
from transactions.models.sessions import Session

LARGEST_RESERVATION_ID = 2**31 - 1


class Reservation(models.Model):
    """A place that a charger keeps free for one token until a time.

    `reservation_id` is what the charger calls it: a number of 32 bits, unique per station. No
    connector: any of the station.
    """

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    station = models.ForeignKey(
        Station, models.PROTECT, related_name="reservations", verbose_name=_("station")
    )
    connector = models.ForeignKey(
        Connector,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="reservations",
        verbose_name=_("connector"),
    )
    reservation_id = models.PositiveIntegerField(_("reservation number"))
    id_token = models.ForeignKey(
        IdToken, models.PROTECT, related_name="reservations", verbose_name=_("id token")
    )
    driver = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="reservations",
        verbose_name=_("driver"),
    )
    state = models.CharField(
        _("state"),
        max_length=10,
        choices=[(s.value, s.value) for s in ReservationState],
        default=ReservationState.REQUESTED.value,
    )
    detail = models.CharField(_("detail"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("created"))
    expires_at = models.DateTimeField(_("expires"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    command = models.OneToOneField(
        Command, models.PROTECT, related_name="reservation", verbose_name=_("command")
    )
    session = models.OneToOneField(
        Session,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="reservation",
        verbose_name=_("session"),
    )

    class Meta:
        verbose_name = _("reservation")
        verbose_name_plural = _("reservations")
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(
                fields=["expires_at"],
                name="reservation_open",
                condition=Q(state__in=sorted(OPEN_RESERVATION_STATES)),
            )
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["station", "reservation_id"], name="reservation_id_once_per_station"
            ),
            models.UniqueConstraint(
                fields=["connector"],
                name="reservation_one_open_per_connector",
                condition=Q(state__in=sorted(OPEN_RESERVATION_STATES), connector__isnull=False),
            ),
            models.CheckConstraint(
                condition=Q(reservation_id__gte=1, reservation_id__lte=LARGEST_RESERVATION_ID),
                name="reservation_id_has_32_bits",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[s.value for s in ReservationState]),
                name="reservation_state_known",
            ),
            models.CheckConstraint(
                condition=Q(state="USED", session__isnull=False)
                | (~Q(state="USED") & Q(session__isnull=True)),
                name="reservation_used_by_a_session",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.station_id}/{self.reservation_id}"
