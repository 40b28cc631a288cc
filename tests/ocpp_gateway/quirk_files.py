"""Chargers with a quirk as files: what such a one says, what it is told, and what is stored of it.

A file in `quirks/` has the charger's `connections`; each has `steps`, and `subprotocols` if it
offers other than 1.6's. A step is one of

* `charger`: a frame that the charger sends, and `answer`: the frame that comes back;
* `command` and `parameters`: what is asked of the charger, with `request` (action and payload) and
  the charger's `reply`, or `refused`: field and code of what it cannot be asked;
* `unanswered_pings`: wait for as many.

`profile` has the fields of its quirk profile (`is_named`: the station names it; otherwise its
vendor has to fit), `station` those of the station, `tariff` its price. Expected are `rows` by
model, all of them in order, with the fields that are named, and all `anomalies` with their counts.

In texts: `<now-30m+7h>` is a time, in UTC, from the beginning of the test; `<midnight-30m>` from
the last midnight in Bangkok; `<600 x>` a long text. `<transaction>` is the number that the last
start was answered with. In what is expected `*` stands for anything, and objects may hold more.
"""

import json
import re
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from csms.common.clock import BANGKOK

FILES = sorted(Path(__file__).with_name("quirks").glob("*.json"))
_TIME = re.compile(r"<(now|midnight)((?:[+-]\d+[hms])*)>")
_LONG = re.compile(r"<(\d+) (.)>")
_STEP = re.compile(r"([+-]\d+)([hms])")
_UNITS = {"h": "hours", "m": "minutes", "s": "seconds"}


def load(path: Path) -> dict[str, Any]:
    quirk: dict[str, Any] = json.loads(path.read_text())
    return quirk


class Words:
    """What the placeholders of one test stand for."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)
        self.transaction = 0

    def fill(self, value: Any) -> Any:
        """`value` with its placeholders replaced."""
        if isinstance(value, dict):
            return {name: self.fill(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self.fill(item) for item in value]
        if not isinstance(value, str):
            return value
        if value == "<transaction>":
            return self.transaction
        value = _LONG.sub(lambda found: found[2] * int(found[1]), value)
        return _TIME.sub(lambda found: written(self._moment(found[1], found[2])), value)

    def _moment(self, base: str, steps: str) -> datetime:
        moment = self.now
        if base == "midnight":
            day = self.now.astimezone(BANGKOK).date()
            moment = datetime.combine(day, time(), BANGKOK).astimezone(UTC)
        for number, unit in _STEP.findall(steps):
            moment += timedelta(**{_UNITS[unit]: int(number)})
        return moment


def written(value: Any) -> Any:
    """A row's value as the files write it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return str(value) if isinstance(value, Decimal) else value


def agrees(expected: Any, found: Any) -> bool:
    if expected == "*":
        return True
    if isinstance(expected, dict):
        return isinstance(found, dict) and all(
            name in found and agrees(value, found[name]) for name, value in expected.items()
        )
    if isinstance(expected, list):
        return (
            isinstance(found, list)
            and len(expected) == len(found)
            and all(map(agrees, expected, found))
        )
    return bool(expected == found)
