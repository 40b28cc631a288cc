"""Meter values of OCPP 1.6: samples as text, of every quality, to one reading per sampled time."""

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final, cast

from ocpp_gateway.protocol.frames import storable
from ocpp_gateway.protocol.validation import Anomaly
from ocpp_gateway.versions.timestamps import read_timestamp
from transactions.domain.inputs import ReadingInput

_ENERGY, _POWER, _SOC, _CURRENT, _VOLTAGE = range(5)
_ENERGY_NAME: Final = "Energy.Active.Import.Register"
# (measurand, unit) -> (what it is, factor to our unit). Without a unit, OCPP's default counts.
_SCALES: Final[dict[tuple[str, str], tuple[int, int]]] = {
    (_ENERGY_NAME, ""): (_ENERGY, 1),
    (_ENERGY_NAME, "Wh"): (_ENERGY, 1),
    (_ENERGY_NAME, "kWh"): (_ENERGY, 1000),
    ("Power.Active.Import", ""): (_POWER, 1),
    ("Power.Active.Import", "W"): (_POWER, 1),
    ("Power.Active.Import", "kW"): (_POWER, 1000),
    ("SoC", ""): (_SOC, 1),
    ("SoC", "Percent"): (_SOC, 1),
    ("SoC", "%"): (_SOC, 1),
    ("Current.Import", ""): (_CURRENT, 1),
    ("Current.Import", "A"): (_CURRENT, 1),
    ("Voltage", ""): (_VOLTAGE, 1),
    ("Voltage", "V"): (_VOLTAGE, 1),
}
# The same by what a sample says as it stands: measurand, unit and location may be left out.
_PLAIN_SCALES: Final = {
    (measurand or None, unit or None, location): scale
    for (name, unit), scale in _SCALES.items()
    for measurand in ((name, "") if name == _ENERGY_NAME else (name,))
    for location in (None, "Outlet")
}
_LOOSE_SCALES: Final = {
    (measurand.casefold(), unit.casefold()): scale for (measurand, unit), scale in _SCALES.items()
}
_KNOWN_MEASURANDS: Final = frozenset(measurand for measurand, _ in _LOOSE_SCALES)
# What the columns of a reading hold.
_BOUNDS: Final = (
    (0, 2**63 - 1),
    (-(2**31) + 1, 2**31 - 1),
    (0, 100),
    (-999_999, 999_999),
    (-999_999, 999_999),
)
_WHOLE: Final = (_ENERGY, _POWER)
_HUNDREDTH: Final = Decimal("0.01")
# "L1" and "L1-N" are the same conductor; "L1-L2" and "N" are none that adds up to a total.
_PHASES: Final = {"L1": 0, "L2": 1, "L3": 2, "L1-N": 0, "L2-N": 1, "L3-N": 2}
_CONTEXT_LENGTH: Final = 30
# Texts up to this length are numbers that come again and again, or plain integers.
_SHORT_TEXT: Final = 12

Value = int | Decimal
_Totals = tuple[int | None, int | None, Decimal | None, Decimal | None, Decimal | None]
_NOTHING: Final[list[Value | None]] = [None] * 5


def read_meter_values(
    raw: Any, received_at: datetime
) -> tuple[tuple[ReadingInput, ...], dict[str, Anomaly]]:
    """Return one reading per sampled time, in the order sent, and one anomaly per kind.

    Nothing raises: an unreadable sample is skipped, and kept raw in `extra`.
    """
    anomalies: dict[str, Anomaly] = {}
    moments: dict[datetime, _Moment] = {}
    for entry in _dicts(raw, anomalies):
        timestamp = entry.get("timestamp")
        measured_at, fault = read_timestamp(timestamp, received_at)
        if fault:
            _note(anomalies, fault, f"meterValue.timestamp: {timestamp!r}")
        moment = moments.get(measured_at)
        if moment is None:
            moment = moments[measured_at] = _Moment(anomalies)
        for sample in _dicts(entry.get("sampledValue"), anomalies):
            moment.add(sample)
    readings = [moment.reading(measured_at) for measured_at, moment in moments.items()]
    return tuple([reading for reading in readings if reading is not None]), anomalies


def _dicts(raw: Any, anomalies: dict[str, Anomaly]) -> list[dict[str, Any]]:
    """Return the objects of an array; a lone object counts as an array of one."""
    items = raw if isinstance(raw, list) else [raw]
    for item in items:
        if type(item) is not dict:
            break
    else:
        return items
    for item in items:
        if item is not None and not isinstance(item, dict):
            _note(anomalies, "meter_value", f"not an object: {item!r}")
    return [item for item in items if isinstance(item, dict)]


def _note(anomalies: dict[str, Anomaly], kind: str, detail: str) -> None:
    if kind not in anomalies:
        anomalies[kind] = Anomaly(kind, storable(detail, 255))


class _Moment:
    """Collects the samples of one time."""

    __slots__ = ("anomalies", "context", "extra", "phases", "totals")

    def __init__(self, anomalies: dict[str, Anomaly]) -> None:
        self.anomalies = anomalies
        self.context = ""
        self.extra: list[dict[str, Any]] = []
        self.totals: list[Value | None] = [None] * 5
        self.phases: dict[int, dict[int, Value]] | None = None

    def add(self, sample: dict[str, Any]) -> None:
        context = sample.get("context")
        if not self.context and isinstance(context, str):
            self.context = storable(context, _CONTEXT_LENGTH)
        measured = self._measure(sample)
        if measured is None:
            self.extra.append(sample)
            return
        slot, value = measured
        phase = sample.get("phase")
        if phase:
            # The single phases stay raw, whether or not they make up the total.
            self.extra.append(sample)
            self._add_phase(slot, phase, value)
        elif self.totals[slot] is None:
            self.totals[slot] = value
        else:
            self.extra.append(sample)

    def _add_phase(self, slot: int, phase: Any, value: Value) -> None:
        conductor = _PHASES.get(phase) if isinstance(phase, str) else None
        if conductor is None:
            return
        if self.phases is None:
            self.phases = {}
        self.phases.setdefault(slot, {}).setdefault(conductor, value)

    def _measure(self, sample: dict[str, Any]) -> tuple[int, Value] | None:
        """Return what a sample measures and its value in our unit, None if it is for `extra`."""
        get = sample.get
        try:
            scale = _PLAIN_SCALES.get((get("measurand"), get("unit"), get("location")))
        except TypeError:  # a list or an object in the place of a word
            scale = None
        if scale is not None and "format" not in sample:
            slot, factor = scale
            value = _value(get("value"), slot, factor)
            if value is not None:
                return slot, value
        return self._measure_odd(sample)

    def _measure_odd(self, sample: dict[str, Any]) -> tuple[int, Value] | None:
        measurand = sample.get("measurand") or _ENERGY_NAME
        unit = sample.get("unit") or ""
        if not isinstance(measurand, str) or not isinstance(unit, str):
            return None
        scale = _SCALES.get((measurand, unit)) or self._loose_scale(measurand, unit)
        if scale is None or sample.get("format") == "SignedData":
            return None
        slot, factor = scale
        # Only what leaves through the outlet is sold; a battery's SoC is known to the car alone.
        if slot != _SOC and sample.get("location", "Outlet") not in ("Outlet", None, ""):
            return None
        raw = sample.get("value")
        number = read_number(raw)
        if number is None:
            number = self._with_comma(measurand, raw)
        value = None if number is None else _fitting(number * factor, slot)
        if value is None:
            _note(self.anomalies, "meter_value", f"{measurand}: {raw!r}")
            return None
        return slot, value

    def _with_comma(self, measurand: str, raw: Any) -> Decimal | None:
        if not isinstance(raw, str) or raw.count(",") != 1 or "." in raw:
            return None
        number = read_number(raw.replace(",", "."))
        if number is not None:
            _note(self.anomalies, "decimal_comma", f"{measurand}: {raw!r}")
        return number

    def _loose_scale(self, measurand: str, unit: str) -> tuple[int, int] | None:
        measurand, unit = measurand.strip().casefold(), unit.strip().casefold()
        scale = _LOOSE_SCALES.get((measurand, unit))
        if scale is None and measurand in _KNOWN_MEASURANDS:
            _note(self.anomalies, "meter_unit", f"{measurand}: {unit!r}")
        return scale

    def reading(self, measured_at: datetime) -> ReadingInput | None:
        totals = self.totals
        if self.phases is not None:
            for slot, values in self.phases.items():
                if totals[slot] is None:
                    totals[slot] = _combined(slot, list(values.values()))
        if not self.extra and totals == _NOTHING:
            return None
        # Each slot holds what `_fitting` made for it.
        energy, power, soc, current, voltage = cast(_Totals, totals)
        return ReadingInput(
            measured_at, energy, power, soc, current, voltage, self.context, self.extra or ()
        )


def _combined(slot: int, values: list[Value]) -> Value | None:
    """Energy and power of phases add up; current is the most loaded phase's, voltage the mean."""
    if slot in _WHOLE:
        return _fitting(Decimal(sum(values)), slot)
    if slot == _CURRENT:
        return max(values)
    return _fitting(Decimal(sum(values)) / len(values), slot)


def _value(raw: Any, slot: int, factor: int) -> Value | None:
    if type(raw) is not str or len(raw) > _SHORT_TEXT:
        return _any_value(raw, slot, factor)
    if slot > _POWER:
        return _short_value(raw, slot, factor)
    if not (raw.isdecimal() and raw.isascii()):
        return _any_value(raw, slot, factor)
    whole = int(raw) * factor
    return whole if whole <= _BOUNDS[slot][1] else None


def _any_value(raw: Any, slot: int, factor: int) -> Value | None:
    number = read_number(raw)
    return None if number is None else _fitting(number * factor, slot)


@lru_cache(maxsize=8192)
def _short_value(raw: str, slot: int, factor: int) -> Value | None:
    """Voltages, currents and states of charge come in few values, and Decimal is slow to read."""
    return _any_value(raw, slot, factor)


def _fitting(number: Decimal, slot: int) -> Value | None:
    """Round to what the column holds; None if it is out of its range."""
    lowest, highest = _BOUNDS[slot]
    if not lowest <= number <= highest:
        return None
    if slot in _WHOLE:
        return int(number.to_integral_value(ROUND_HALF_UP))
    return number.quantize(_HUNDREDTH, ROUND_HALF_UP)


def read_number(raw: Any) -> Decimal | None:
    """Read "12.5", "1e3" or a JSON number without loss; None for anything else."""
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        return None
    text = raw.strip() if isinstance(raw, str) else repr(raw)
    # Decimal also takes "1_000" and digits of any script, which no meter means.
    if len(text) > 40 or "_" in text or not text.isascii():
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    # Beyond 18 digits a number fits no column, and rounding it would cost time and memory.
    if not number.is_finite() or abs(number.adjusted()) > 18:
        return Decimal(0) if number.is_zero() else None
    return number
