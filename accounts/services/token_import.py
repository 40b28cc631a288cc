"""Id tokens from a CSV file: the whole file or nothing of it.

An empty cell leaves what is stored, or takes the default for a new token; `-` takes a stored
expiry, group or driver away.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.functions import Lower
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from accounts.domain.states import IdTokenStatus
from accounts.models import IdToken, Operator, User
from csms.common import audit
from csms.common.audit import Actor
from csms.common.bulk import update_each
from csms.common.clock import BANGKOK
from csms.common.csv_input import NotReadable, Problems, Row, read_rows, shown

COLUMNS = ("token", "type", "status", "expires_at", "group", "driver_email")
CLEAR = "-"
_MAX_LENGTH = 255
_BATCH = 500
_TYPES = {value.lower(): value for value in IdToken.Type.values} | {"rfid": IdToken.Type.ISO14443}
_STATUSES = {status.value.lower(): status.value for status in IdTokenStatus}
_CHANGEABLE = ("type", "status", "expires_at", "group", "user_id")


@dataclass(frozen=True, slots=True)
class TokenImport:
    """How many tokens were made, changed and left as they were."""

    created: int
    updated: int
    unchanged: int


@dataclass(slots=True)
class _Wanted:
    """What one row says: only the fields that it fills."""

    line: int
    token: str
    values: dict[str, Any] = field(default_factory=dict)


def import_tokens(
    data: bytes, *, actor: Actor, problems: Problems, operator: Operator | None = None
) -> TokenImport | None:
    """Make and change the tokens of the file. None, and nothing done, if there are problems.

    `operator`: whose tokens they are; none: accepted everywhere. Raises `NotReadable`.
    """
    rows = read_rows(data, columns=COLUMNS, required=("token",), problems=problems)
    drivers = _drivers(row["driver_email"] for row in rows)
    wanted = [_parsed(row, drivers, problems) for row in rows]
    _find_repeated(wanted, problems)
    known = _known(item.token for item in wanted)
    for item in wanted:
        stored = known.get(item.token.lower())
        if stored is not None and stored.operator_id != (operator and operator.pk):
            text = _("%(token)s belongs to another operator; remove the line or choose --operator.")
            problems.add(item.line, "token", text % {"token": shown(item.token)})
    if problems:
        return None
    try:
        return _apply(wanted, known, operator, actor)
    except IntegrityError as error:
        raise NotReadable(
            _("The tokens were changed by somebody else meanwhile. Run the same again.")
        ) from error


def _parsed(row: Row, drivers: dict[str, int], problems: Problems) -> _Wanted:
    item = _Wanted(row.line, row["token"])
    if not item.token:
        problems.add(row.line, "token", _("A token is needed."))
    elif len(item.token) > _MAX_LENGTH or not (item.token.isascii() and item.token.isprintable()):
        text = _("A token has at most %(length)d printable ASCII characters.")
        text %= {"length": _MAX_LENGTH}
        problems.add(row.line, "token", text)
    for column, choices in (("type", _TYPES), ("status", _STATUSES)):
        if row[column]:
            _choose(item, row, column, choices, problems)
    if row["expires_at"]:
        item.values["expires_at"] = _expiry(row, problems)
    if row["group"]:
        item.values["group"] = "" if row["group"] == CLEAR else row["group"]
        if len(row["group"]) > _MAX_LENGTH or not row["group"].isprintable():
            text = _("A group has at most %(length)d printable characters.")
            problems.add(row.line, "group", text % {"length": _MAX_LENGTH})
    if row["driver_email"]:
        item.values["user_id"] = _driver(row, drivers, problems)
    return item


def _choose(
    item: _Wanted, row: Row, column: str, choices: dict[str, str], problems: Problems
) -> None:
    value = choices.get(row[column].lower())
    if value is None:
        text = _("%(value)s is unknown; choose one of: %(choices)s.") % {
            "value": shown(row[column]),
            "choices": ", ".join(dict.fromkeys(choices.values())),
        }
        problems.add(row.line, column, text)
    else:
        item.values[column] = value


def _expiry(row: Row, problems: Problems) -> datetime | None:
    """A date means until its end, a time without zone is Thailand's."""
    text = row["expires_at"]
    if text == CLEAR:
        return None
    try:
        day = parse_date(text)
        if day is not None:
            return datetime.combine(day, time(), BANGKOK) + timedelta(days=1)
        moment = parse_datetime(text)
    except (ValueError, OverflowError):
        moment = None
    if moment is None or not 2000 <= moment.year <= 2999:
        message = _("%(value)s is no date; write it like 2027-12-31 or 2027-12-31T23:59:59+07:00.")
        problems.add(row.line, "expires_at", message % {"value": shown(text)})
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=BANGKOK)


def _driver(row: Row, drivers: dict[str, int], problems: Problems) -> int | None:
    email = row["driver_email"]
    if email == CLEAR:
        return None
    key = drivers.get(email.lower())
    if key is None:
        message = _("No user has the address %(email)s; register the driver first.")
        problems.add(row.line, "driver_email", message % {"email": shown(email)})
    return key


def _find_repeated(wanted: Iterable[_Wanted], problems: Problems) -> None:
    first: dict[str, int] = {}
    for item in wanted:
        line = first.setdefault(item.token.lower(), item.line)
        if line != item.line and item.token:
            text = _("%(token)s stands in line %(line)d already; keep one of them.")
            problems.add(item.line, "token", text % {"token": shown(item.token), "line": line})


def _drivers(emails: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for batch in _batches({email.lower() for email in emails if email}):
        rows = User.objects.alias(folded=Lower("email")).filter(folded__in=batch)
        found |= {str(email).lower(): key for email, key in rows.values_list("email", "pk")}
    return found


def _known(tokens: Iterable[str]) -> dict[str, IdToken]:
    found: dict[str, IdToken] = {}
    for batch in _batches({token.lower() for token in tokens if token.isascii()}):
        rows = IdToken.objects.alias(folded=Lower("token")).filter(folded__in=batch)
        found |= {row.token.lower(): row for row in rows}
    return found


def _batches(values: Iterable[str]) -> Iterable[list[str]]:
    ordered = sorted(values)
    return [ordered[start : start + _BATCH] for start in range(0, len(ordered), _BATCH)]


@transaction.atomic
def _apply(
    wanted: list[_Wanted], known: dict[str, IdToken], operator: Operator | None, actor: Actor
) -> TokenImport:
    new, changed = [], []
    for item in wanted:
        stored = known.get(item.token.lower())
        if stored is None:
            new.append(IdToken(token=item.token, operator=operator, **item.values))
        elif any(getattr(stored, name) != value for name, value in item.values.items()):
            for name, value in item.values.items():
                setattr(stored, name, value)
            changed.append(stored)
    IdToken.objects.bulk_create(new, batch_size=_BATCH)
    update_each(
        IdToken,
        {token.pk: {name: getattr(token, name) for name in _CHANGEABLE} for token in changed},
    )
    entries = [(token, {"token": token.token}) for token in (*new, *changed)]
    audit.record_many(actor, "id_token.import", entries)
    return TokenImport(len(new), len(changed), len(wanted) - len(new) - len(changed))
