"""Charge points from a CSV file: the whole file or nothing of it.

First everything is read and checked against what is stored, then passwords are hashed outside of
any transaction, then one transaction writes all. An empty cell leaves what is stored, or takes the
default for a new station; nothing is ever removed.
"""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from django.db import IntegrityError
from django.utils.translation import gettext as _

from accounts.models import Operator
from chargepoints.models import Site, Station
from chargepoints.services.passwords import check_password, hash_password
from chargepoints.services.security_settings import PASSWORD_PROFILES
from csms.common.audit import Actor
from csms.common.csv_input import NotReadable, Problems, read_rows, shown
from csms.imports.chargepoint_plan import Plan, StationPlan
from csms.imports.chargepoint_rows import COLUMNS, REQUIRED_COLUMNS, ParsedRow, parse_row
from csms.imports.chargepoint_store import Stored, load, write
from transactions.models import Tariff

SHORT_PASSWORD = 16


@dataclass(frozen=True, slots=True)
class ChargepointImport:
    """How many of each were made, changed and left as they were; `notes`: worth knowing."""

    created: int
    updated: int
    unchanged: int
    operators_created: int
    sites_created: int
    notes: list[str]


def import_chargepoints(
    data: bytes,
    *,
    actor: Actor,
    problems: Problems,
    progress: Callable[[str], None] = lambda _text: None,
) -> ChargepointImport | None:
    """None, and nothing done, if there are problems. Raises `NotReadable`."""
    rows = read_rows(data, columns=COLUMNS, required=REQUIRED_COLUMNS, problems=problems)
    parsed = [parse_row(row, problems) for row in rows]
    _find_repeated(parsed, problems)
    stored = load(row.identity for row in parsed)
    plan = _Planner(stored, problems).plan(parsed)
    if problems:
        return None
    progress(_("%(count)d lines are in order; hashing passwords …") % {"count": len(parsed)})
    _hash_passwords(plan.stations)
    progress(_("Writing …"))
    try:
        result = write(plan, stored, actor)
    except IntegrityError as error:
        raise NotReadable(
            _("The stations were changed by somebody else meanwhile. Run the same again.")
        ) from error
    created = sum(item.is_new for item in plan.stations)
    updated = len(result.changed)
    return ChargepointImport(
        created=created,
        updated=updated,
        unchanged=len(parsed) - created - updated,
        operators_created=len(plan.operators),
        sites_created=len(plan.sites),
        notes=_notes(plan, result.with_more_connectors),
    )


def _find_repeated(rows: Iterable[ParsedRow], problems: Problems) -> None:
    first: dict[str, int] = {}
    for row in rows:
        line = first.setdefault(row.identity.lower(), row.line)
        if row.identity and line != row.line:
            text = _("%(identity)s stands in line %(line)d already; keep one of them.")
            problems.add(
                row.line, "identity", text % {"identity": shown(row.identity), "line": line}
            )


def _notes(plan: Plan, with_more_connectors: int) -> list[str]:
    notes = []
    short = sum(0 < len(item.row.password) < SHORT_PASSWORD for item in plan.stations)
    if short:
        text = _("%(count)d passwords are shorter than the 16 characters that OCPP asks for.")
        notes.append(text % {"count": short})
    if with_more_connectors:
        text = _("%(count)d stations have more EVSEs than the file says; none was removed.")
        notes.append(text % {"count": with_more_connectors})
    return notes


def _hash_passwords(stations: list[StationPlan]) -> None:
    """In threads: argon2 works without the interpreter's lock. A password that fits is left."""

    def hash_one(item: StationPlan) -> None:
        raw, station = item.row.password, item.station
        if station.password_hash and check_password(station.password_hash, raw):
            return
        if not item.is_new:
            item.changes["password"] = "changed"  # noqa: S105
        station.password_hash = hash_password(raw)

    with_password = [item for item in stations if item.row.password]
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        for _done in pool.map(hash_one, with_password, chunksize=50):
            pass


class _Planner:
    """Turns rows into what is to be written, keeping what the file itself introduces."""

    def __init__(self, stored: Stored, problems: Problems) -> None:
        self.stored = stored
        self.problems = problems
        self.result = Plan()
        # Where each site got its coordinates in this file.
        self.placed_in_line: dict[tuple[str, str], int] = {}

    def plan(self, rows: Iterable[ParsedRow]) -> Plan:
        for row in rows:
            if not (row.identity and row.operator and row.site):
                continue
            operator = self._operator(row)
            site = self._site(row, operator)
            tariff = self._tariff(row, operator)
            if site is not None:
                self._station(row, operator, site, tariff)
        return self.result

    def _operator(self, row: ParsedRow) -> Operator:
        known = self.stored.operators.get(row.operator.lower())
        if known is None:
            known = Operator(code=self.stored.new_code(row.operator), name=row.operator)
            self.stored.add_operator(known)
            self.result.operators.append(known)
        return known

    def _site(self, row: ParsedRow, operator: Operator) -> Site | None:
        place = (operator.code, row.site)
        known = self.stored.sites.get(place)
        if known is None:
            if row.latitude is None or row.longitude is None:
                text = _("The site %(site)s is new: give its latitude and longitude.")
                self.problems.add(row.line, "latitude", text % {"site": shown(row.site)})
                return None
            known = Site(
                operator=operator, name=row.site, latitude=row.latitude, longitude=row.longitude
            )
            self.stored.sites[place] = known
            self.result.sites.append(known)
        elif row.latitude is not None and row.longitude is not None:
            self._move(row, known, place)
        if row.latitude is not None:
            self.placed_in_line.setdefault(place, row.line)
        return known

    def _move(self, row: ParsedRow, site: Site, place: tuple[str, str]) -> None:
        if (site.latitude, site.longitude) == (row.latitude, row.longitude):
            return
        if place in self.placed_in_line:
            text = _("Line %(line)d has other coordinates for the site %(site)s.")
            values = {"line": self.placed_in_line[place], "site": shown(row.site)}
            self.problems.add(row.line, "latitude", text % values)
            return
        assert row.latitude is not None  # noqa: S101 - both are given, see parse_row
        assert row.longitude is not None  # noqa: S101
        site.latitude, site.longitude = row.latitude, row.longitude
        self.result.moved_sites.append(site)

    def _tariff(self, row: ParsedRow, operator: Operator) -> Tariff | None:
        if not row.tariff:
            return None
        known = self.stored.tariffs.get((operator.code, row.tariff.lower()))
        if known is None:
            text = _(
                "%(operator)s has no tariff %(tariff)s. Its prices are not in this file: make the "
                "tariff first, or leave the cell empty and assign one later."
            )
            values = {"operator": operator.name, "tariff": shown(row.tariff)}
            self.problems.add(row.line, "tariff", text % values)
        return known

    def _station(
        self, row: ParsedRow, operator: Operator, site: Site, tariff: Tariff | None
    ) -> None:
        station = self.stored.stations.get(row.identity.lower())
        is_new = station is None
        if station is None:
            station = Station(identity=row.identity, site=site)
        elif not self._may_change(row, station, operator):
            return
        plan = StationPlan(row, station, tariff, is_new)
        wanted = {
            "vendor": row.vendor,
            "model": row.model,
            "allowed_versions": row.versions,
            "security_profile": row.security_profile,
        }
        for name, value in wanted.items():
            if value in ("", None, []) or getattr(station, name) == value:
                continue
            if not is_new:
                plan.changes[name] = [getattr(station, name), value]
            setattr(station, name, value)
            if name == "security_profile":
                station.next_security_profile = None
        if not is_new and station.site != site:
            plan.changes["site"] = [station.site.name, site.name]
            station.site = site
        needs_password = station.security_profile in PASSWORD_PROFILES
        if needs_password and not (row.password or station.password_hash):
            text = _("Security profile %(profile)d needs a password; give one, or profile 0 or 3.")
            values = {"profile": station.security_profile}
            self.problems.add(row.line, "password", text % values)
        self.result.stations.append(plan)

    def _may_change(self, row: ParsedRow, station: Station, operator: Operator) -> bool:
        if station.archived_at is not None:
            text = _("%(identity)s is archived; restore it first or use another identity.")
            self.problems.add(row.line, "identity", text % {"identity": shown(row.identity)})
            return False
        if station.site.operator.code != operator.code:
            text = _("%(identity)s belongs to %(operator)s; a station does not change operators.")
            values = {"identity": shown(row.identity), "operator": station.site.operator.name}
            self.problems.add(row.line, "operator", text % values)
            return False
        return True
