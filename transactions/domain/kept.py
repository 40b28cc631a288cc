"""A stop as the review queue keeps it, so that it can still end the session that it belongs to."""

from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from transactions.domain.inputs import ReadingInput, SessionStop

# Of a longer frame the beginning: what it says is kept beside it, reading by reading.
FRAME_LENGTH = 32_768


def as_json(stop: SessionStop) -> dict[str, Any]:
    """What the charger said, and the frame in which it said so."""
    return {
        "transaction_id": stop.transaction_id,
        "ended_at": stop.ended_at.isoformat(),
        "has_time": stop.has_time,
        "clock_ahead_seconds": round(stop.clock_ahead.total_seconds()),
        "is_available_first": stop.is_available_first,
        "meter_stop_wh": stop.meter_stop_wh,
        "reason": stop.reason,
        "id_token": stop.id_token,
        "readings": [_reading_as_json(reading) for reading in stop.readings],
        **frame_as_json(stop.frame),
    }


def frame_as_json(frame: str) -> dict[str, Any]:
    """The part of a review item's `raw` that holds what was sent."""
    return {"frame": frame[:FRAME_LENGTH]} if frame else {}


def from_json(raw: dict[str, Any], received_at: datetime) -> SessionStop | None:
    """The stop that `as_json` kept; None if `raw` holds none."""
    try:
        return SessionStop(
            received_at=received_at,
            transaction_id=raw["transaction_id"],
            ended_at=datetime.fromisoformat(raw["ended_at"]),
            meter_stop_wh=raw["meter_stop_wh"],
            reason=raw["reason"],
            id_token=raw["id_token"],
            readings=tuple(_reading_from_json(found) for found in raw.get("readings", ())),
            has_time=raw.get("has_time", True),
            frame=raw.get("frame", ""),
            clock_ahead=timedelta(seconds=raw.get("clock_ahead_seconds", 0)),
            is_available_first=raw.get("is_available_first", False),
        )
    except (KeyError, TypeError, ValueError, InvalidOperation):
        return None


def _reading_as_json(reading: ReadingInput) -> dict[str, Any]:
    values = {
        "energy_wh": reading.energy_wh,
        "power_w": reading.power_w,
        "soc_percent": _text(reading.soc_percent),
        "current_a": _text(reading.current_a),
        "voltage_v": _text(reading.voltage_v),
        "context": reading.context or None,
        "extra": reading.extra or None,
    }
    kept = {name: value for name, value in values.items() if value is not None}
    return {"measured_at": reading.measured_at.isoformat(), **kept}


def _reading_from_json(kept: dict[str, Any]) -> ReadingInput:
    return ReadingInput(
        measured_at=datetime.fromisoformat(kept["measured_at"]),
        energy_wh=kept.get("energy_wh"),
        power_w=kept.get("power_w"),
        soc_percent=_number(kept.get("soc_percent")),
        current_a=_number(kept.get("current_a")),
        voltage_v=_number(kept.get("voltage_v")),
        context=kept.get("context", ""),
        extra=kept.get("extra", ()),
    )


def _text(number: Decimal | None) -> str | None:
    return None if number is None else str(number)


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
