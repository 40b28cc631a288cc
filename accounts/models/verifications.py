"""Codes that prove an address or number, and what people are written about their account."""

import secrets
import uuid
from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.domain.contacts import Channel, Contact
from accounts.domain.states import MessageKind, Purpose
from accounts.models.invitations import StaffInvitation
from csms.common.fields import EncryptedTextField, search_digest
from csms.common.identifiers import uuid7
from csms.common.state_names import choices

CODE_DIGITS = 6
CODE_LIFETIME = timedelta(minutes=5)
MOST_FAILURES = 5
LANGUAGES = [("th", "ไทย"), ("en", "English")]


def contact_digest(contact: Contact) -> str:
    """What a contact is found and counted by without being readable."""
    purpose = "phone" if contact.channel is Channel.SMS else "e-mail"
    return search_digest(purpose, contact.value)


def new_code() -> str:
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"


def code_digest(verification_id: uuid.UUID, code: str) -> str:
    return search_digest("verification code", f"{verification_id}:{code}")


class Verification(models.Model):
    """One request for a code. The limits count these rows, whether a code was sent or not.

    `id` is random and known to the caller alone: a code works only beside the `id` of the request
    that it was sent for, so that nobody confirms an account that somebody else prepared.
    `code_digest` is a keyed hash, empty until the code is made, which is when it is sent.
    `password_mark` is that of the user when a new address was asked for, as in `SignIn`: whoever
    has set another password since did not ask for it. `first_requested_at` is when the first of
    several requests was made, of which each repeats the one before; empty: this is the first.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    purpose = models.CharField(_("purpose"), max_length=20, choices=choices(Purpose))
    channel = models.CharField(_("channel"), max_length=5, choices=choices(Channel))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="verifications",
        verbose_name=_("user"),
    )
    address = EncryptedTextField(editable=False)
    address_digest = models.CharField(max_length=64, editable=False)
    network = models.CharField(_("network"), max_length=64, editable=False)
    language = models.CharField(_("language"), max_length=2, choices=LANGUAGES)
    display_name = models.CharField(_("name"), max_length=200, blank=True)
    password_hash = models.CharField(max_length=128, blank=True, editable=False)
    code_digest = models.CharField(max_length=64, blank=True, editable=False)
    password_mark = models.CharField(max_length=128, blank=True, db_default="", editable=False)
    failures = models.PositiveSmallIntegerField(_("failures"), default=0)
    requested_at = models.DateTimeField(_("requested"))
    first_requested_at = models.DateTimeField(null=True, blank=True, editable=False)
    expires_at = models.DateTimeField(_("expires"))
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)

    class Meta:
        verbose_name = _("verification")
        verbose_name_plural = _("verifications")
        ordering: ClassVar = ["-requested_at"]
        indexes: ClassVar = [
            models.Index(
                fields=["address_digest", "-requested_at"], name="verification_by_address"
            ),
            models.Index(fields=["network", "-requested_at"], name="verification_by_network"),
            models.Index(fields=["channel", "-requested_at"], name="verification_by_channel"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(failures__lte=MOST_FAILURES), name="verification_failures_limited"
            ),
            models.CheckConstraint(
                condition=Q(purpose=Purpose.REGISTER) | Q(password_hash=""),
                name="verification_password_of_registration_only",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.requested_at:%Y-%m-%d %H:%M:%S}"

    @property
    def contact(self) -> Contact:
        return Contact(Channel(self.channel), self.address)


class AccountMessage(models.Model):
    """A mail or SMS about an account: queued here, sent after the commit, swept if missed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(_("kind"), max_length=20, choices=choices(MessageKind))
    channel = models.CharField(_("channel"), max_length=5, choices=choices(Channel))
    address = EncryptedTextField(editable=False)
    language = models.CharField(_("language"), max_length=2, choices=LANGUAGES)
    verification = models.OneToOneField(
        Verification, models.CASCADE, null=True, blank=True, related_name="message"
    )
    invitation = models.ForeignKey(
        StaffInvitation, models.CASCADE, null=True, blank=True, related_name="messages"
    )
    detail = models.CharField(max_length=100, blank=True, editable=False)
    queued_at = models.DateTimeField(_("queued"))
    send_before = models.DateTimeField(_("worth sending until"))
    claimed_at = models.DateTimeField(null=True, blank=True, editable=False)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True, editable=False)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    refused_at = models.DateTimeField(_("refused by the mail server"), null=True, blank=True)

    class Meta:
        verbose_name = _("account message")
        verbose_name_plural = _("account messages")
        ordering: ClassVar = ["-queued_at"]
        indexes: ClassVar = [
            models.Index(
                fields=["send_before"], condition=Q(sent_at=None), name="account_message_unsent"
            )
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~Q(kind=MessageKind.CODE) | Q(verification__isnull=False),
                name="account_message_code_has_verification",
            ),
            models.CheckConstraint(
                condition=~Q(kind=MessageKind.SET_UP_LINK) | Q(invitation__isnull=False),
                name="account_message_link_has_invitation",
            ),
            models.CheckConstraint(
                condition=Q(sent_at=None) | Q(refused_at=None),
                name="account_message_sent_or_refused",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.queued_at:%Y-%m-%d %H:%M:%S}"

    @property
    def contact(self) -> Contact:
        return Contact(Channel(self.channel), self.address)
