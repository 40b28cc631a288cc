"""The second factor of staff, as django-otp's devices: it throttles, signs in and remembers.

django-otp's own devices keep seeds and codes in the clear. Here a seed is encrypted, as it has to
be read again, and a backup code is a keyed hash: who reads the database can sign in with neither.
"""

from base64 import b32encode
from typing import ClassVar
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import models
from django_otp.models import Device, ThrottlingMixin, TimestampMixin
from django_otp.oath import TOTP
from django_otp.util import random_hex

from csms.common import clock
from csms.common.fields import EncryptedTextField, search_digest

SEED_BYTES = 20
PERIOD_SECONDS = 30
DIGITS = 6
# A code of the period before or after counts too: clocks of phones differ.
TOLERATED_PERIODS = 1


def new_seed() -> str:
    return str(random_hex(SEED_BYTES))


def backup_code_digest(user_id: int, code: str) -> str:
    return search_digest("backup code", f"{user_id}:{code}")


class ThrottledDevice(TimestampMixin, ThrottlingMixin, Device):
    """A device that makes whoever guesses wait, twice as long after each failure."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")

    class Meta:
        abstract = True

    def matches(self, code: str) -> bool:
        """Whether `code` is right, used up by this. The caller holds the row's lock."""
        raise NotImplementedError

    def verify_token(self, token: str) -> bool:
        is_allowed, _refusal = self.verify_is_allowed()
        if not is_allowed:
            return False
        if not self.matches(token):
            self.throttle_increment()
            return False
        self.throttle_reset(commit=False)
        self.set_last_used_timestamp(commit=False)
        self.save()
        return True

    def get_throttle_factor(self) -> int:
        return 1


class Authenticator(ThrottledDevice):
    """An authenticator app that shares `seed` (hexadecimal) with us: TOTP, RFC 6238.

    `last_period` is that of the newest code that was used; none works twice.
    """

    seed = EncryptedTextField(default=new_seed)
    last_period = models.BigIntegerField(default=-1)

    @property
    def key(self) -> bytes:
        return bytes.fromhex(self.seed)

    @property
    def provisioning_uri(self) -> str:
        """The otpauth:// address that the app takes as a QR code."""
        parameters = {
            "secret": b32encode(self.key).decode(),
            "algorithm": "SHA1",
            "digits": DIGITS,
            "period": PERIOD_SECONDS,
            "issuer": settings.OTP_TOTP_ISSUER,
        }
        label = quote(f"{settings.OTP_TOTP_ISSUER}:{self.user.get_username()}")
        return f"otpauth://totp/{label}?{urlencode(parameters, quote_via=quote)}"

    def matches(self, code: str) -> bool:
        if not (code.isascii() and code.isdecimal()):
            return False
        totp = TOTP(self.key, PERIOD_SECONDS, digits=DIGITS)
        totp.time = clock.now().timestamp()
        if not totp.verify(int(code), TOLERATED_PERIODS, self.last_period + 1):
            return False
        self.last_period = totp.t()
        return True


class BackupCodes(ThrottledDevice):
    """A sheet of codes that work once each."""

    def matches(self, code: str) -> bool:
        digest = backup_code_digest(self.user_id, code)
        used, _per_model = self.codes.filter(digest=digest).delete()
        return bool(used)


class BackupCode(models.Model):
    sheet = models.ForeignKey(BackupCodes, models.CASCADE, related_name="codes")
    digest = models.CharField(max_length=64, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["sheet", "digest"], name="backup_code_once_per_sheet")
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"
