"""The code that is printed on a card, by which a driver takes the card for the own."""

import secrets
from typing import Final

# Crockford's base 32: no I, L, O and U. 12 characters are 60 random bits.
ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH: Final = 12
_GROUP: Final = 4
_MISREAD: Final = str.maketrans("ILO", "110")


def new_link_code() -> str:
    """A code as it is printed: `7K3F-XW9D-Q2MZ`."""
    code = "".join(secrets.choice(ALPHABET) for _position in range(LENGTH))
    return "-".join(code[start : start + _GROUP] for start in range(0, LENGTH, _GROUP))


def normal_link_code(text: str) -> str:
    """What was typed, without hyphens and case, 0 for O and 1 for I and L; empty if it is none."""
    compact = "".join(text.replace("-", "").split()).upper().translate(_MISREAD)
    is_one = len(compact) == LENGTH and all(letter in ALPHABET for letter in compact)
    return compact if is_one else ""
