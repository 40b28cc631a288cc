"""What the feeds show, read for all of them together. Each reader belongs to one thread."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import translation

from chargepoints.domain.states import ConnectorStatus
from chargepoints.models import Connector
from csms.common.api.json import dumps
from csms.console.audience import Audience
from csms.live.revisions import Parts
from transactions.api import representation
from transactions.models import Session
from transactions.selectors import connectors_live
from transactions.selectors.connectors_live import LiveConnector, RunningSession, live_connector
from transactions.selectors.live import LiveSession, LiveSessions

# None: it is gone.
Shown = Parts | None
SESSION, CONNECTOR, STAFF_CONNECTOR, BOARD = "session", "connector", "staff-connector", "board"
_ONE = "it"


class SessionReader:
    """Feeds `session:<public id>:<language>`: those that changed, and those that are new."""

    def __init__(self) -> None:
        self._live = LiveSessions()
        self._keys: dict[str, int] = {}
        self._latest: dict[int, LiveSession] = {}

    def read(
        self, names: Collection[str], new_names: Collection[str], at: datetime
    ) -> dict[str, Shown]:
        found: dict[str, Shown] = self._learn(names)
        names_of: dict[int, list[str]] = {}
        for name, key in self._keys.items():
            names_of.setdefault(key, []).append(name)
        changed = self._live.look(names_of, at) if names_of else {}
        self._latest = {
            key: session for key, session in self._latest.items() if key in names_of
        } | changed
        for key, session in self._latest.items():
            for name in names_of[key]:
                if key in changed or name in new_names:
                    found[name] = {_ONE: _shown(session, name)}
        return found

    def _learn(self, names: Collection[str]) -> dict[str, Shown]:
        """Find the primary keys of names not seen before; those that have none are gone."""
        self._keys = {name: key for name, key in self._keys.items() if name in names}
        wanted = {
            name: public_id
            for name in names
            if name not in self._keys and (public_id := _uuid(name)) is not None
        }
        if wanted:
            rows = Session.objects.filter(public_id__in=set(wanted.values()))
            keys = dict(rows.values_list("public_id", "pk"))
            self._keys |= {
                name: keys[public_id] for name, public_id in wanted.items() if public_id in keys
            }
        return {name: None for name in names if name not in self._keys}


def _uuid(name: str) -> UUID | None:
    try:
        return UUID(name.split(":")[1])
    except (IndexError, ValueError):
        return None


def _shown(session: LiveSession, name: str) -> bytes:
    with translation.override(name.split(":")[2]):
        return dumps(representation.live(session))


class ConnectorReader:
    """Feeds `connector:<key>` for everybody and `staff-connector:<key>` for staff."""

    def read(
        self, names: Collection[str], _new_names: Collection[str], _at: datetime
    ) -> dict[str, Shown]:
        keys = {name: int(name.partition(":")[2]) for name in names}
        rows = connectors_live.by_key(set(keys.values()))
        found: dict[str, Shown] = {}
        for name, key in keys.items():
            row = rows.get(key)
            technical = name.startswith(STAFF_CONNECTOR)
            if row is not None and (row.is_public or technical):
                found[name] = {_ONE: dumps(connector(row, technical=technical))}
            else:
                found[name] = None
        return found


@dataclass(frozen=True, slots=True)
class _Line:
    """One of a board's rows, and of what it was made."""

    operator_id: int
    key: str
    content: bytes
    row: connectors_live.Row
    running: RunningSession | None


class BoardReader:
    """Feeds `board`, one for each audience: the connectors of its operators.

    All boards are read together, and of what is as it was nothing is made anew.
    """

    def __init__(self) -> None:
        self._lines: dict[int, _Line] = {}

    def read(
        self, audiences: Collection[Audience], _new: Collection[Audience], at: datetime
    ) -> dict[Audience, Shown]:
        connectors, sessions = _scopes(audiences)
        rows = connectors_live.read_rows(connectors)
        running = connectors_live.running_sessions(sessions, at)
        self._lines = {key: self._line(row, running.get(key)) for key, row in rows.items()}
        return {audience: self._board(audience) for audience in audiences}

    def _line(self, row: connectors_live.Row, running: RunningSession | None) -> _Line:
        known = self._lines.get(row[0])
        if known is not None and known.row == row and known.running == running:
            return known
        live = live_connector(row)
        shown = board_row(live, running)
        return _Line(live.operator_id, shown["key"], dumps(shown), row, running)

    def _board(self, audience: Audience) -> Parts:
        lines = self._lines.values()
        if audience == "all":
            return {line.key: line.content for line in lines}
        return {line.key: line.content for line in lines if line.operator_id in audience}


def _scopes(audiences: Collection[Audience]) -> tuple[QuerySet[Connector], Q]:
    """The connectors that any of them sees, and the condition on their sessions."""
    operators: set[int] = set()
    for audience in audiences:
        if audience == "all":
            return Connector.objects.all(), Q()
        operators |= audience
    connectors = Connector.objects.filter(evse__station__site__operator__in=operators)
    return connectors, Q(station__site__operator__in=operators)


def connector(row: LiveConnector, *, technical: bool) -> dict[str, Any]:
    """`technical`: those who watch are staff."""
    return {
        "identity": row.identity if technical else row.station_code,
        "evse_id": row.evse_number,
        "connector_id": row.connector_number,
        "public_code": row.public_code,
        "type": row.type,
        "max_power_kw": None if row.max_power_w is None else row.max_power_w / 1000,
        "status": row.status,
        "status_at": row.status_at,
        "is_online": row.is_online,
        "is_available": row.is_online and row.status == ConnectorStatus.AVAILABLE,
    }


def board_row(row: LiveConnector, running: RunningSession | None) -> dict[str, Any]:
    """`key` is how the row is called where it is removed."""
    return {
        "key": f"{row.identity}/{row.evse_number}/{row.connector_number}",
        **connector(row, technical=True),
        "site": row.site,
        "error_code": row.error_code,
        "session": None
        if running is None
        else {
            "id": running.public_id,
            "state": running.state,
            "started_at": running.started_at,
            "energy_wh": running.energy_wh,
            "power_w": running.power_w,
        },
    }
