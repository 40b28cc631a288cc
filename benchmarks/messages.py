"""What the chargers of the benchmark say: OCPP 1.6 payloads, as JSON text and as expected rows.

Every sample of a charger holds an energy register value that it never used before, and its other
values follow from that one: whoever finds the row again can tell that it is whole and its own.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import orjson

PRICE_PER_KWH = Decimal("7.5000")
SESSION_SAMPLES = 5
SESSION_STEP_WH = 200
SESSION_STEP = timedelta(minutes=1)
SESSION_LENGTH = SESSION_STEP * (SESSION_SAMPLES + 1)
SESSION_WH = SESSION_STEP_WH * (SESSION_SAMPLES + 1)
SESSION_PRICE = (PRICE_PER_KWH * SESSION_WH / 1000).quantize(Decimal("0.01"))


class Sample(NamedTuple):
    """The values of one sampled moment, as a charger sends them and as the database must hold."""

    energy_wh: int
    power_w: int
    soc_percent: Decimal
    current_a: Decimal


def sample_of(energy_wh: int) -> Sample:
    return Sample(
        energy_wh,
        power_w=7_000 + energy_wh % 50_000,
        soc_percent=Decimal(energy_wh % 101),
        current_a=Decimal(energy_wh % 4_000) / 10,
    )


def timestamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def meter_value(energy_wh: int, at: str) -> str:
    """One `meterValue` entry: four `sampledValue` of one moment."""
    tenths = energy_wh % 4_000
    return (
        f'{{"timestamp":"{at}","sampledValue":['
        f'{{"value":"{energy_wh}","context":"Sample.Periodic",'
        f'"measurand":"Energy.Active.Import.Register","unit":"Wh"}},'
        f'{{"value":"{7_000 + energy_wh % 50_000}","context":"Sample.Periodic",'
        f'"measurand":"Power.Active.Import","unit":"W"}},'
        f'{{"value":"{energy_wh % 101}","context":"Sample.Periodic",'
        f'"measurand":"SoC","unit":"Percent"}},'
        f'{{"value":"{tenths // 10}.{tenths % 10}","context":"Sample.Periodic",'
        f'"measurand":"Current.Import","unit":"A"}}]}}'
    )


def meter_values(transaction_id: int, entries: str) -> str:
    return f'{{"connectorId":1,"transactionId":{transaction_id},"meterValue":[{entries}]}}'


def boot() -> str:
    return _json(
        chargePointVendor="Benchmark",
        chargePointModel="Load",
        chargePointSerialNumber="0",
        firmwareVersion="1.0",
    )


def authorize(id_tag: str) -> str:
    return _json(idTag=id_tag)


def start(id_tag: str, meter_wh: int, at: datetime) -> str:
    return _json(connectorId=1, idTag=id_tag, meterStart=meter_wh, timestamp=timestamp(at))


def stop(id_tag: str, transaction_id: int, meter_wh: int, at: datetime) -> str:
    return _json(
        transactionId=transaction_id,
        idTag=id_tag,
        meterStop=meter_wh,
        timestamp=timestamp(at),
        reason="Local",
    )


def status(status: str, at: datetime) -> str:
    return _json(connectorId=1, errorCode="NoError", status=status, timestamp=timestamp(at))


def clock() -> str:
    return timestamp(datetime.now(UTC))


def _json(**fields: Any) -> str:
    return orjson.dumps(fields).decode()
