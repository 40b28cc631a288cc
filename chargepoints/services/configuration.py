"""A charger's configuration keys, as it tells them and as it takes them from us."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from chargepoints.domain.states import CommandStatus
from chargepoints.domain.text import fit
from chargepoints.models import Command, ConfigurationValue
from chargepoints.services.effects import Effects, Outcome
from csms.common import clock
from csms.common.rows import execute

KEY_LENGTH = 255
VALUE_LENGTH = 10_000


def _end_reading(command: Command, outcome: Outcome) -> None:
    if command.status == CommandStatus.ACCEPTED:
        fields = ["value", "is_readonly", "known_at"]
        _store(command, outcome.get("values", ()), fields)


def end_change(command: Command, outcome: Outcome) -> None:
    """Keep what the charger took; whether it counts already is in `needs_reboot` (case 77)."""
    if command.status == CommandStatus.ACCEPTED:
        _store(command, outcome.get("values", ()), ["value", "needs_reboot", "known_at"])


def _store(command: Command, values: Sequence[Mapping[str, Any]], fields: list[str]) -> None:
    at = command.answered_at or clock.now()
    rows = {row.key: row for row in (_row(command.station_id, value, at) for value in values)}
    ConfigurationValue.objects.bulk_create(
        [rows[key] for key in sorted(rows)],
        update_conflicts=True,
        unique_fields=["station", "key"],
        update_fields=fields,
    )


def _row(station_id: int, value: Mapping[str, Any], at: datetime) -> ConfigurationValue:
    return ConfigurationValue(
        station_id=station_id,
        key=fit(value["key"], KEY_LENGTH),
        value=fit(value.get("value") or "", VALUE_LENGTH),
        is_readonly=bool(value.get("is_readonly", False)),
        needs_reboot=bool(value.get("needs_reboot", False)),
        known_at=at,
    )


READ = Effects(ended=_end_reading)


# Written out, because every boot runs it and building it costs more than running it.
_RESTARTED = """
UPDATE chargepoints_configurationvalue SET needs_reboot = FALSE
WHERE station_id = %s AND needs_reboot
"""


def restarted(station_id: int) -> None:
    """The charger booted: what waited for that counts now."""
    execute(_RESTARTED, [station_id])


def whole_number_of(station_id: int, key: str) -> int | None:
    """The positive number that the charger gave for `key`; None if it gave none."""
    value = (
        ConfigurationValue.objects.filter(station_id=station_id, key=key)
        .values_list("value", flat=True)
        .first()
    )
    text = (value or "").strip()
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        return None
    return int(text) or None
