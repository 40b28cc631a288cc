"""Thailand's 13-digit tax ids and branch numbers (Revenue Department)."""

import re
from enum import StrEnum
from typing import Final

LENGTH: Final = 13
HEAD_OFFICE: Final = "00000"
_BRANCH: Final = re.compile(r"[0-9]{5}")
_THAI_DIGITS: Final = str.maketrans("๐๑๒๓๔๕๖๗๘๙", "0123456789")


class Party(StrEnum):
    PERSON = "PERSON"
    COMPANY = "COMPANY"


def normal_tax_id(text: str) -> str:
    """The 13 digits without hyphens and spaces; `ValueError` if they are none or do not check."""
    compact = "".join(text.translate(_THAI_DIGITS).replace("-", "").split())
    if len(compact) != LENGTH or not (compact.isascii() and compact.isdecimal()):
        raise ValueError("A tax id has 13 digits.")
    if compact[-1] != check_digit(compact[:-1]) or compact[0] == "9":
        raise ValueError("The check digit does not fit.")
    return compact


def check_digit(first_twelve: str) -> str:
    """Weights 13 down to 2, modulo 11."""
    total = sum(
        weight * int(digit) for weight, digit in zip(range(13, 1, -1), first_twelve, strict=True)
    )
    return str((11 - total % 11) % 10)


def party_of(tax_id: str) -> Party:
    """Juristic persons' numbers begin with 0, natural persons' with 1 to 8."""
    return Party.COMPANY if tax_id.startswith("0") else Party.PERSON


def normal_branch(text: str) -> str:
    """Five digits, 00000 for the head office; `ValueError` on anything else."""
    compact = text.translate(_THAI_DIGITS).strip()
    if not _BRANCH.fullmatch(compact):
        raise ValueError("A branch has five digits.")
    return compact
