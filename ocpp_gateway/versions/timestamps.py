"""Times as chargers write them, as aware UTC values."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

# Before the first OCPP 1.6 charger: a clock without battery that starts at 1970 or 2000.
_EARLIEST: Final = datetime(2015, 1, 1, tzinfo=UTC)
_LATEST_AHEAD: Final = timedelta(days=1)
_LOOSE: Final = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?"
    r"\s*(?:(Z|UTC|GMT)|([+-])(\d{1,2}):?(\d{2})?)?",
    re.ASCII,
)

MISSING: Final = "timestamp_missing"
UNREADABLE: Final = "timestamp_unreadable"
IMPLAUSIBLE: Final = "clock_fault"
WITHOUT_ZONE: Final = "timestamp_without_zone"


def read_timestamp(raw: Any, received_at: datetime) -> tuple[datetime, str]:
    """Return the time in UTC and the kind of its fault, "" if it has none.

    A missing or unreadable time becomes `received_at`. An implausible one is returned as it is: the
    caller decides what counts. A time without a zone is taken as UTC (OCPP 1.6 §3.13).
    """
    if not isinstance(raw, str) or not raw:
        return received_at, MISSING
    moment = _parse(raw)
    if moment is None:
        return received_at, UNREADABLE
    fault = ""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
        fault = WITHOUT_ZONE
    elif moment.tzinfo is not UTC:
        try:
            moment = moment.astimezone(UTC)
        except OverflowError:
            return received_at, UNREADABLE
    if not _EARLIEST <= moment <= received_at + _LATEST_AHEAD:
        fault = IMPLAUSIBLE
    return moment, fault


def wire_time(moment: datetime) -> str:
    """Write a time as every version reads it: UTC, milliseconds, `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def is_read(fault: str) -> bool:
    """Whether a time with this fault is the charger's own and not our receive time."""
    return fault not in (MISSING, UNREADABLE)


def is_plausible(fault: str) -> bool:
    """Whether a time with this fault may count for money."""
    return fault in ("", WITHOUT_ZONE)


def _parse(raw: str) -> datetime | None:
    try:
        return datetime.fromisoformat(raw)
    except ValueError:
        return _parse_loosely(raw.strip().upper())


def _parse_loosely(raw: str) -> datetime | None:
    if raw.isascii() and raw.isdecimal() and len(raw) in (10, 13):
        return datetime.fromtimestamp(int(raw[:10]), UTC)
    match = _LOOSE.fullmatch(raw)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zulu, sign, ahead, past = match.groups()
    zone = "+00:00" if zulu else f"{sign}{int(ahead):02}:{past or '00'}" if sign else ""
    # A leap second has no place in datetime; the second before it is near enough.
    seconds = min(int(second or 0), 59)
    text = f"{year}-{int(month):02}-{int(day):02}T{int(hour):02}:{minute}:{seconds:02}"
    try:
        return datetime.fromisoformat(f"{text}.{fraction or '0'}{zone}")
    except ValueError:
        return None
