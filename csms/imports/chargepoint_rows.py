"""One line of a charge point file: cells to values, each mistake with its remedy."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from django.utils.translation import gettext as _

from chargepoints.domain.identities import identity_problem, parse_versions
from chargepoints.models import Connector
from chargepoints.services.connectors import HIGHEST_NUMBER
from chargepoints.services.passwords import MAX_LENGTH as LONGEST_PASSWORD
from csms.common.csv_input import Problems, Row, shown

COLUMNS = (
    "identity",
    "password",
    "operator",
    "site",
    "latitude",
    "longitude",
    "vendor",
    "model",
    "ocpp_versions",
    "security_profile",
    "connectors",
    "connector_type",
    "max_power_kw",
    "tariff",
)
REQUIRED_COLUMNS = ("identity", "operator", "site")
_TEXT_LENGTHS = {"operator": 200, "site": 200, "vendor": 255, "model": 255, "tariff": 100}
_MOST_POWER_KW = 10_000
_PLAIN_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")
_MICRODEGREE = Decimal("0.000001")
_SIGNS = re.compile(r"[\s_./-]+")


def _squeezed(text: str) -> str:
    return _SIGNS.sub("", text).lower()


_TYPES = {_squeezed(value): value for value in Connector.Type.values} | {
    "ccs": "CCS2",
    "ccscombo2": "CCS2",
    "combo2": "CCS2",
    "mennekes": "Type2",
    "j1772": "Type1",
    "gbt": "GB/T-DC",
}


@dataclass(slots=True)
class ParsedRow:
    """What the line says; None and empty text where its cell is empty. Power in W."""

    line: int
    identity: str
    password: str
    operator: str
    site: str
    latitude: Decimal | None
    longitude: Decimal | None
    vendor: str
    model: str
    versions: list[str]
    security_profile: int | None
    connectors: int | None
    connector_type: str
    max_power_w: int | None
    tariff: str


def parse_row(row: Row, problems: Problems) -> ParsedRow:
    """The row's values; a cell that is wrong is reported and counts as empty."""

    def wrong(column: str, text: str) -> None:
        problems.add(row.line, column, text)

    identity = row["identity"]
    problem = identity_problem(identity)
    if problem:
        wrong("identity", problem)
    texts = {column: _text(row, column, wrong) for column in _TEXT_LENGTHS}
    for column in ("operator", "site"):
        if not row[column]:
            wrong(column, _("A name is needed."))
    latitude = _degrees(row, "latitude", 90, wrong)
    longitude = _degrees(row, "longitude", 180, wrong)
    if bool(row["latitude"]) != bool(row["longitude"]):
        empty = "longitude" if row["latitude"] else "latitude"
        wrong(empty, _("Give both coordinates or none."))
    return ParsedRow(
        line=row.line,
        identity="" if problem else identity,
        password=_password(row, wrong),
        latitude=latitude,
        longitude=longitude,
        versions=_versions(row, wrong),
        security_profile=_integer(row, "security_profile", 0, 3, wrong),
        connectors=_integer(row, "connectors", 1, HIGHEST_NUMBER, wrong),
        connector_type=_connector_type(row, wrong),
        max_power_w=_power(row, wrong),
        **texts,
    )


_Wrong = Callable[[str, str], None]


def _text(row: Row, column: str, wrong: _Wrong) -> str:
    value, length = row[column], _TEXT_LENGTHS[column]
    if len(value) > length or not value.isprintable():
        wrong(column, _("At most %(length)d printable characters.") % {"length": length})
        return ""
    return value


def _password(row: Row, wrong: _Wrong) -> str:
    value = row["password"]
    if len(value) > LONGEST_PASSWORD or not value.isprintable():
        text = _("A password has at most %(length)d printable characters.")
        wrong("password", text % {"length": LONGEST_PASSWORD})
        return ""
    return value


def _number(row: Row, column: str, wrong: _Wrong) -> Decimal | None:
    value = row[column]
    if not value:
        return None
    if not _PLAIN_NUMBER.fullmatch(value) or len(value) > 30:
        text = _("%(value)s is no number; write it like 100.5, with a point.")
        wrong(column, text % {"value": shown(value)})
        return None
    try:
        return Decimal(value)
    except InvalidOperation:
        wrong(column, _("%(value)s is no number.") % {"value": shown(value)})
        return None


def _degrees(row: Row, column: str, limit: int, wrong: _Wrong) -> Decimal | None:
    number = _number(row, column, wrong)
    if number is None:
        return None
    if not -limit <= number <= limit:
        text = _("%(value)s is outside of -%(limit)d to %(limit)d degrees.")
        wrong(column, text % {"value": shown(row[column]), "limit": limit})
        return None
    return number.quantize(_MICRODEGREE)


def _integer(row: Row, column: str, lowest: int, highest: int, wrong: _Wrong) -> int | None:
    number = _number(row, column, wrong)
    if number is None:
        return None
    if number != number.to_integral_value() or not lowest <= number <= highest:
        text = _("%(value)s is not a whole number from %(lowest)d to %(highest)d.") % {
            "value": shown(row[column]),
            "lowest": lowest,
            "highest": highest,
        }
        wrong(column, text)
        return None
    return int(number)


def _power(row: Row, wrong: _Wrong) -> int | None:
    number = _number(row, "max_power_kw", wrong)
    if number is None:
        return None
    if not Decimal("0.001") <= number <= _MOST_POWER_KW:
        text = _("%(value)s kW is outside of 0.001 to %(limit)d kW.")
        wrong("max_power_kw", text % {"value": shown(row["max_power_kw"]), "limit": _MOST_POWER_KW})
        return None
    return int(number * 1000)


def _versions(row: Row, wrong: _Wrong) -> list[str]:
    try:
        return parse_versions(row["ocpp_versions"])
    except ValueError:
        text = _("%(value)s: give one or more of 1.6, 2.0.1, 2.1, separated by | or space.")
        wrong("ocpp_versions", text % {"value": shown(row["ocpp_versions"])})
        return []


def _connector_type(row: Row, wrong: _Wrong) -> str:
    value = row["connector_type"]
    known = _TYPES.get(_squeezed(value), "")
    if value and not known:
        text = _("%(value)s is unknown; choose one of: %(choices)s.")
        choices = ", ".join(Connector.Type.values)
        wrong("connector_type", text % {"value": shown(value), "choices": choices})
    return known
