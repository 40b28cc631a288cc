"""Thai licence plates and what a car is plugged in with."""

import re
import unicodedata
from enum import StrEnum
from typing import Final

# Two digits at most, the letters (on plates sold at auction a word with vowels and tone marks),
# then up to four digits; lorries and buses: two digits and four.
_PLATE: Final = re.compile(r"([0-9]{0,2}[\u0e01-\u0e3a\u0e40-\u0e4e]{1,10})([0-9]{1,4})")
_LORRY: Final = re.compile(r"([0-9]{2})-?([0-9]{4})")
_THAI_DIGITS: Final = str.maketrans("๐๑๒๓๔๕๖๗๘๙", "0123456789")


class ConnectorType(StrEnum):
    """The inlet of a car, named as the connectors of stations are."""

    CCS2 = "CCS2"
    CHADEMO = "CHAdeMO"
    TYPE_2 = "Type2"
    TYPE_1 = "Type1"
    GB_T_DC = "GB/T-DC"
    GB_T_AC = "GB/T-AC"
    NACS = "NACS"


def normal_plate(text: str) -> str:
    """The plate in one spelling, `1กข 1234` or `70-1234`; `ValueError` if it is none."""
    compact = unicodedata.normalize("NFC", text).translate(_THAI_DIGITS)
    compact = "".join(compact.split())
    lorry = _LORRY.fullmatch(compact)
    if lorry is not None:
        return f"{lorry[1]}-{lorry[2]}"
    plate = _PLATE.fullmatch(compact.replace("-", ""))
    if plate is None:
        raise ValueError(text)
    return f"{plate[1]} {plate[2]}"
