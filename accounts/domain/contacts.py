"""Where a person is reached: an e-mail address or a Thai mobile number, in one spelling each."""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

# National Telecommunications Commission: mobile numbers have nine digits after the 0 or 66 and
# begin with 6, 8 or 9.
_MOBILE = re.compile(r"[689]\d{8}")
_SEPARATORS = re.compile(r"[\s().\-]+")
_LONGEST = 32


class Channel(StrEnum):
    EMAIL = "EMAIL"
    SMS = "SMS"


@dataclass(frozen=True, slots=True)
class Contact:
    """`value`: the address in lower case, or the number in E.164."""

    channel: Channel
    value: str

    @property
    def hint(self) -> str:
        """Enough for its owner to know it by, and no more: `s•••@example.com`, `•••5678`."""
        if self.channel is Channel.SMS:
            return f"•••{self.value[-4:]}"
        local, _at, domain = self.value.partition("@")
        return f"{local[:1]}•••@{domain}"


def thai_mobile(text: str) -> str | None:
    """A Thai mobile number as E.164 (`+66812345678`); None if it is none.

    Takes 0812345678, 66812345678 and +66812345678 with spaces, dots, hyphens and brackets, in
    Arabic or Thai digits.
    """
    if len(text) > _LONGEST:
        return None
    compact = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text))
    is_international = compact.startswith("+")
    digits = compact.removeprefix("+")
    if not digits.isdecimal():
        return None
    digits = "".join(str(unicodedata.decimal(digit)) for digit in digits)
    if digits.startswith("66"):
        national = digits[2:]
    elif digits.startswith("0") and not is_international:
        national = digits[1:]
    else:
        return None
    return f"+66{national}" if _MOBILE.fullmatch(national) else None


def email_address(text: str) -> str:
    """An e-mail address, known to be valid, in the spelling that we compare and keep."""
    return unicodedata.normalize("NFKC", text.strip()).lower()
