from datetime import timedelta
from decimal import Decimal
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import IdToken
from chargepoints.domain.quirks import RegisterKind
from chargepoints.models import Command, Connector, Station
from csms.common.identifiers import uuid7
from transactions.domain.states import (
    AWAITED_SESSION_STATES,
    INFERRED_END_REASONS,
    OPEN_SESSION_STATES,
    UNFINISHED_SESSION_STATES,
    SessionState,
)
from transactions.models.tariffs import TariffVersion

HALF_SATANG = Decimal("0.005")


def adds_up(total: str, first: str, second: str) -> Q:
    """The condition that `total` is `first` + `second`, all with two decimals.

    SQLite keeps decimals as floats, where 65.66 + 4.60 is not 70.26: half a satang is allowed,
    which on PostgreSQL, whose decimals are exact, is the same as none.
    """
    parts = F(first) + F(second)
    return Q(**{f"{total}__gt": parts - HALF_SATANG, f"{total}__lt": parts + HALF_SATANG})


class Session(models.Model):
    """One charging process, whatever the charger repeats, reorders or forgets.

    OCPP 1.6's integer transactionId is this row's primary key; where the charger makes the id
    (2.x) it is `ocpp_transaction_id`, unique per station only.
    """

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    station = models.ForeignKey(
        Station, models.PROTECT, related_name="sessions", verbose_name=_("station")
    )
    connector = models.ForeignKey(
        Connector, models.PROTECT, related_name="sessions", verbose_name=_("connector")
    )
    ocpp_transaction_id = models.CharField(max_length=255, null=True, blank=True)
    start_key = models.CharField(
        max_length=64,
        null=True,
        blank=True,
        editable=False,
        help_text=_("Hash of what makes a start unique, so that a repeated one finds its session."),
    )
    state = models.CharField(
        _("state"),
        max_length=12,
        choices=[(s.value, s.value) for s in SessionState],
        default=SessionState.PENDING.value,
    )
    driver = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="sessions",
        verbose_name=_("driver"),
    )
    id_token = models.ForeignKey(
        IdToken,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="sessions",
        verbose_name=_("id token"),
    )
    id_token_value = models.CharField(_("id token as reported"), max_length=255, blank=True)
    authorization = models.CharField(_("authorization"), max_length=20, blank=True)

    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(
        _("expires"),
        null=True,
        blank=True,
        help_text=_("A session that has not started by then is closed."),
    )
    # No index of their own: nearly every row has none of them, and every start writes a row.
    start_command = models.ForeignKey(
        Command,
        models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
        verbose_name=_("request to start"),
    )
    stop_command = models.ForeignKey(
        Command,
        models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
        verbose_name=_("latest request to stop"),
    )
    started_at = models.DateTimeField(
        _("started"), null=True, blank=True, help_text=_("The time that counts for the price.")
    )
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    charger_started_at = models.DateTimeField(_("start, charger's clock"), null=True, blank=True)
    charger_ended_at = models.DateTimeField(_("end, charger's clock"), null=True, blank=True)
    clock_ahead_seconds = models.IntegerField(
        _("charger's clock ahead (s)"),
        default=0,
        help_text=_(
            "By how much its known fault was corrected; with it the start is what it said."
        ),
    )
    start_received_at = models.DateTimeField(_("start received"), null=True, blank=True)
    stop_received_at = models.DateTimeField(_("stop received"), null=True, blank=True)
    charging_ended_at = models.DateTimeField(_("energy stopped flowing"), null=True, blank=True)
    unplugged_at = models.DateTimeField(_("unplugged"), null=True, blank=True)
    interrupted_at = models.DateTimeField(_("interrupted"), null=True, blank=True)

    meter_start_wh = models.BigIntegerField(_("meter at start (Wh)"), null=True, blank=True)
    meter_stop_wh = models.BigIntegerField(_("meter at end (Wh)"), null=True, blank=True)
    energy_wh = models.BigIntegerField(_("energy (Wh)"), default=0)
    register_kind = models.CharField(
        _("what the meter counts"),
        max_length=12,
        choices=[(kind.value, kind.value) for kind in RegisterKind],
        default=RegisterKind.UNKNOWN.value,
        help_text=_("What was known of the charger's meter when the session started."),
    )
    end_reason = models.CharField(_("reason of the end"), max_length=50, blank=True)

    tariff_version = models.ForeignKey(
        TariffVersion,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("tariff version"),
    )
    priced_at = models.DateTimeField(_("priced"), null=True, blank=True)
    is_held = models.BooleanField(
        _("held for review"),
        default=False,
        help_text=_("Its meter or its clock is not to be believed: nothing is billed by itself."),
    )
    is_waived = models.BooleanField(
        _("not billed"),
        default=False,
        # Processes of the version before write rows too while a deployment runs.
        db_default=False,
        help_text=_("A person decided that the session costs nothing, whatever it delivered."),
    )
    currency = models.CharField(_("currency"), max_length=3, default="THB")
    total_net = models.DecimalField(
        _("net"), max_digits=12, decimal_places=2, null=True, blank=True
    )
    total_tax = models.DecimalField(
        _("VAT"), max_digits=12, decimal_places=2, null=True, blank=True
    )
    total_gross = models.DecimalField(
        _("total"), max_digits=12, decimal_places=2, null=True, blank=True
    )

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["station", "-started_at"]),
            models.Index(fields=["driver", "-started_at"]),
            models.Index(fields=["-started_at"]),
            models.Index(fields=["-ended_at"]),
            models.Index(
                fields=["connector"],
                name="session_unfinished",
                condition=Q(state__in=sorted(s.value for s in UNFINISHED_SESSION_STATES)),
            ),
            models.Index(
                fields=["id_token"],
                name="session_open_of_token",
                condition=Q(state__in=sorted(s.value for s in OPEN_SESSION_STATES)),
            ),
            models.Index(
                fields=["expires_at"],
                name="session_to_expire",
                condition=Q(state__in=sorted(s.value for s in AWAITED_SESSION_STATES)),
            ),
            models.Index(
                fields=["ended_at"],
                name="session_to_price",
                condition=Q(state="ENDED", priced_at__isnull=True),
            ),
            models.Index(
                fields=["stop_received_at"],
                name="session_end_inferred",
                condition=Q(
                    end_reason__in=sorted(r.value for r in INFERRED_END_REASONS),
                    charger_ended_at__isnull=True,
                ),
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["station", "ocpp_transaction_id"],
                name="session_once_per_transaction_id",
            ),
            models.UniqueConstraint(fields=["station", "start_key"], name="session_once_per_start"),
            models.UniqueConstraint(
                fields=["connector"],
                condition=Q(state__in=sorted(s.value for s in OPEN_SESSION_STATES)),
                name="session_one_open_per_connector",
            ),
            models.UniqueConstraint(
                fields=["connector"],
                condition=Q(state__in=sorted(s.value for s in AWAITED_SESSION_STATES)),
                name="session_one_awaited_per_connector",
            ),
            models.UniqueConstraint(
                fields=["driver"],
                condition=Q(state__in=sorted(s.value for s in AWAITED_SESSION_STATES)),
                name="session_one_awaited_per_driver",
            ),
            models.UniqueConstraint(
                fields=["start_command"],
                condition=Q(start_command__isnull=False),
                name="session_once_per_start_command",
            ),
            models.UniqueConstraint(
                fields=["stop_command"],
                condition=Q(stop_command__isnull=False),
                name="session_once_per_stop_command",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[s.value for s in SessionState]), name="session_state_known"
            ),
            models.CheckConstraint(
                condition=Q(energy_wh__gte=0), name="session_energy_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True)
                | Q(started_at__isnull=True)
                | Q(ended_at__gte=F("started_at")),
                name="session_ends_after_start",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["ACTIVE", "INTERRUPTED", "ENDED"])
                | Q(started_at__isnull=False),
                name="session_running_has_start",
            ),
            models.CheckConstraint(
                condition=~Q(state="ENDED") | Q(ended_at__isnull=False),
                name="session_ended_has_end",
            ),
            models.CheckConstraint(
                condition=Q(total_gross__isnull=True)
                | (Q(total_gross__gte=0) & adds_up("total_gross", "total_net", "total_tax")),
                name="session_total_adds_up",
            ),
        ]

    def __str__(self) -> str:
        return str(self.public_id)

    @property
    def register_origin_wh(self) -> int | None:
        """What the register showed when nothing was delivered yet, as far as it is known."""
        return 0 if self.register_kind == RegisterKind.PER_SESSION else self.meter_start_wh

    @property
    def is_timed_by_us(self) -> bool:
        """Whether our receive times stand in for a clock that nobody can correct."""
        if self.started_at is None or self.charger_started_at is None:
            return self.started_at != self.charger_started_at
        ahead = timedelta(seconds=self.clock_ahead_seconds)
        return self.started_at + ahead != self.charger_started_at


class SessionEvent(models.Model):
    """What happened to a session: append-only."""

    session = models.ForeignKey(Session, models.PROTECT, related_name="events")
    at = models.DateTimeField(_("time"))
    kind = models.CharField(_("kind"), max_length=40)
    detail = models.JSONField(_("detail"), default=dict, blank=True)

    class Meta:
        verbose_name = _("session event")
        verbose_name_plural = _("session events")
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return self.kind


class CostLine(models.Model):
    """One line of a session's price. Prices include VAT; see `transactions.domain.pricing`."""

    class Kind(models.TextChoices):
        ENERGY = "ENERGY", _("Energy")
        TIME = "TIME", _("Time")
        SESSION = "SESSION", _("Session fee")
        IDLE = "IDLE", _("Idle fee")

    session = models.ForeignKey(Session, models.PROTECT, related_name="cost_lines")
    position = models.PositiveSmallIntegerField(_("position"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    name = models.CharField(_("name"), max_length=100, blank=True)
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    quantity = models.DecimalField(_("quantity"), max_digits=14, decimal_places=4)
    unit = models.CharField(_("unit"), max_length=10)
    unit_price = models.DecimalField(_("unit price"), max_digits=10, decimal_places=4)
    net = models.DecimalField(_("net"), max_digits=12, decimal_places=2)
    tax = models.DecimalField(_("VAT"), max_digits=12, decimal_places=2)
    gross = models.DecimalField(_("amount"), max_digits=12, decimal_places=2)

    class Meta:
        verbose_name = _("cost line")
        verbose_name_plural = _("cost lines")
        ordering: ClassVar = ["session", "position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["session", "position"], name="cost_line_position_once"),
            models.CheckConstraint(
                condition=adds_up("gross", "net", "tax") & Q(gross__gte=0, tax__gte=0, net__gte=0),
                name="cost_line_adds_up",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.gross}"
