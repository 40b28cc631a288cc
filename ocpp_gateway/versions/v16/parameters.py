"""Parameters of neutral commands: how each is read, and what is said of a wrong one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from chargepoints.domain.moments import read_moment
from ocpp_gateway.versions.timestamps import wire_time

ID_TAG_LENGTH: Final = 20
_SCHEMES: Final = ("https", "http", "ftps", "ftp", "sftp")
_MAX_CONNECTOR: Final = 32_767
_MAX_BIGINT: Final = 2**63 - 1
_MAX_INTEGER: Final = 2**31 - 1


class Wrong(Exception):
    """A parameter's value is not usable: a stable code and what to do about it."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise Wrong("invalid", _("Give a text."))
    return value


def any_text(value: Any) -> str:
    if not isinstance(value, str):
        raise Wrong("invalid", _("Give a text."))
    return value


def number(value: Any, lowest: int, highest: int) -> int:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 20:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
        raise Wrong(
            "invalid",
            _("Give a whole number from %(lowest)s to %(highest)s.")
            % {"lowest": lowest, "highest": highest},
        )
    return value


def connector(value: Any) -> int:
    return number(value, 1, _MAX_CONNECTOR)


def connector_or_station(value: Any) -> int:
    return number(value, 0, _MAX_CONNECTOR)


def integer(value: Any) -> int:
    return number(value, 0, _MAX_INTEGER)


def identifier(value: Any) -> int:
    return number(value, 1, _MAX_INTEGER)


def moment(value: Any) -> str:
    found = read_moment(value)
    if found is None:
        raise Wrong("invalid", _("Give a time with its zone, such as 2026-01-31T08:00:00+07:00."))
    return wire_time(found)


def address(value: Any) -> str:
    """Read where a charger fetches or leaves a file."""
    found = text(value)
    parts = urlsplit(found)
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise Wrong(
            "invalid", _("Give an address with one of: %(words)s.") % {"words": ", ".join(_SCHEMES)}
        )
    return found


def transaction(value: Any) -> int:
    return number(value, 1, _MAX_BIGINT)


def choice(**words: str) -> Callable[[Any], str]:
    """Return a reader of our words, in any case, as 1.6 writes them."""

    def read(value: Any) -> str:
        found = words.get(value.lower()) if isinstance(value, str) else None
        if found is None:
            text = _("Give one of: %(words)s.") % {"words": ", ".join(words)}
            raise Wrong("invalid_choice", text)
        return found

    return read


def availability(value: Any) -> str:
    if not isinstance(value, bool):
        raise Wrong("invalid", _("Give true or false."))
    return "Operative" if value else "Inoperative"


def list_entries(value: Any) -> list[dict[str, Any]]:
    """Read entries of the local list; one without a status is to be removed."""
    if not isinstance(value, list):
        raise Wrong("invalid", _("Give a list of objects."))
    return [_list_entry(json_object(item)) for item in value]


def _list_entry(entry: dict[str, Any]) -> dict[str, Any]:
    tag = {"idTag": text(entry.get("token"))}
    if "status" not in entry:
        return tag
    info = {"status": text(entry["status"])}
    if entry.get("expires_at"):
        info["expiryDate"] = moment(entry["expires_at"])
    group = entry.get("group")
    # A longer group cannot be said in 1.6; the charger then only knows the tag itself.
    if group and len(group) <= ID_TAG_LENGTH:
        info["parentIdTag"] = group
    return {**tag, "idTagInfo": info}


def texts(value: Any) -> list[str]:
    if not isinstance(value, list | tuple):
        raise Wrong("invalid", _("Give a list of texts."))
    return [text(item) for item in value]


def json_object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Wrong("invalid", _("Give a JSON object."))
    return value


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter: its name on the wire, how it is read, whether it must be there."""

    wire: str
    read: Callable[[Any], Any]
    required: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """`defaults` are wire fields that 1.6 demands and the neutral command may leave out.

    `shape` nests the flat fields where the message is not flat.
    """

    action: str
    fields: Mapping[str, Field]
    shape: Callable[[dict[str, Any]], dict[str, Any]]
    defaults: Mapping[str, Any]


def request(
    action: str,
    fields: Mapping[str, Field] | None = None,
    shape: Callable[[dict[str, Any]], dict[str, Any]] = dict,
    **defaults: Any,
) -> Request:
    return Request(action, fields or {}, shape, defaults)
