"""Stations and their connectors as people enter them. Every write leaves an audit entry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Model
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from chargepoints.domain.identities import VERSIONS, identity_problem
from chargepoints.domain.states import RegistrationStatus
from chargepoints.events import CredentialsChanged
from chargepoints.locks import lock_station
from chargepoints.models import Connector, Site, Station
from chargepoints.services import passwords, security_settings
from chargepoints.services.connectors import create_missing, is_acceptable
from chargepoints.services.security_settings import PASSWORD_PROFILES
from csms.common import audit, clock
from csms.common.audit import Actor
from csms.common.errors import Conflict, FieldError, InvalidInput
from csms.common.events import publish

EDITABLE_FIELDS = frozenset(
    {
        "site",
        "name",
        "allowed_versions",
        "security_profile",
        "assumes_subprotocol",
        "quirk_profile",
        "vendor",
        "model",
        "serial_number",
        "registration_status",
    }
)


@dataclass(frozen=True, slots=True)
class NewConnector:
    """`max_power_w` in W."""

    evse_id: int
    connector_id: int = 1
    type: str = Connector.Type.UNKNOWN
    max_power_w: int | None = None


def create_station(
    *,
    site: Site,
    identity: str,
    actor: Actor,
    password: str | None = None,
    connectors: Sequence[NewConnector] = (),
    reason: str = "",
    **fields: Any,
) -> Station:
    """A new station with its connectors. `InvalidInput`, or `Conflict` if the identity is taken.

    `fields`: those of `EDITABLE_FIELDS`. A password is needed for security profiles 1 and 2.
    """
    problem = identity_problem(identity)
    if problem:
        raise _invalid("identity", problem)
    _refuse_taken(identity)
    station = Station(site=site, identity=identity)
    _assign(station, fields)
    if password:
        station.password_hash = passwords.hash_password(password)
    elif station.security_profile in PASSWORD_PROFILES:
        raise _invalid("password", _("Security profiles 1 and 2 need a password."))
    try:
        with transaction.atomic():
            station.save(force_insert=True)
            if connectors:
                _insert_connectors(station, connectors)
            audit.record(
                actor,
                "station.create",
                station,
                reason=reason,
                changes={"identity": identity, "site": site.pk, "connectors": len(connectors)},
            )
    except IntegrityError:
        # Another request made the same identity between our look and our insert.
        _refuse_taken(identity)
        raise
    return station


def update_station(
    station: Station,
    *,
    actor: Actor,
    changes: Mapping[str, Any],
    password: str | None = None,
    reason: str = "",
) -> Station:
    """Change fields of `EDITABLE_FIELDS`, and the password if one is given.

    Who was let in with another password, under a lower security profile or before the registration
    was rejected has to sign in again.
    """
    with transaction.atomic():
        locked = lock_station(station.pk)
        if locked.archived_at is not None:
            raise Conflict(_("The station is archived."), code="station_archived")
        before = {name: _plain(getattr(locked, name)) for name in changes if hasattr(locked, name)}
        _assign(locked, changes)
        if password:
            locked.password_hash = passwords.hash_password(password)
            security_settings.forget_password_changes([locked.pk])
        if "security_profile" in changes:
            locked.next_security_profile = None
        if locked.security_profile in PASSWORD_PROFILES and not locked.password_hash:
            raise _invalid("password", _("Security profiles 1 and 2 need a password."))
        if password or _is_stricter(before, locked):
            locked.credentials_changed_at = clock.now()
            publish(CredentialsChanged(locked.pk))
        written = [
            *changes,
            "next_security_profile",
            "password_hash",
            "credentials_changed_at",
            "updated_at",
        ]
        locked.save(update_fields=written)
        differences: dict[str, Any] = {
            name: [before[name], _plain(getattr(locked, name))]
            for name in changes
            if before[name] != _plain(getattr(locked, name))
        }
        if password:
            differences["password"] = "changed"  # noqa: S105
        audit.record(actor, "station.update", locked, reason=reason, changes=differences)
    return locked


def note_change(station_id: int) -> None:
    """Something that belongs to the station changed: whoever keeps a copy has to read it again."""
    Station.objects.filter(pk=station_id).update(updated_at=clock.now())


def create_connectors(
    station: Station, *, connectors: Sequence[NewConnector], actor: Actor, reason: str = ""
) -> list[Connector]:
    """Several connectors at once, all or none; `Conflict` if one of them exists."""
    with transaction.atomic():
        locked = lock_station(station.pk)
        made = _insert_connectors(station, connectors)
        locked.save(update_fields=["updated_at"])
        audit.record(
            actor,
            "station.create_connectors",
            station,
            reason=reason,
            changes={"connectors": [[c.evse_id, c.connector_id] for c in connectors]},
        )
    return made


def _insert_connectors(station: Station, wanted: Sequence[NewConnector]) -> list[Connector]:
    _check_connectors(wanted)
    of_station = Connector.objects.filter(evse__station=station).select_related("evse")
    known = {(c.evse.evse_id, c.connector_id) for c in of_station}
    taken = [
        FieldError(f"connectors.{index}", "exists", _("This connector exists already."))
        for index, new in enumerate(wanted)
        if (new.evse_id, new.connector_id) in known
    ]
    if taken:
        raise Conflict(_("A connector exists already."), code="connector_exists", errors=taken)
    create_missing({(station.pk, new.evse_id, new.connector_id) for new in wanted})
    rows = {(c.evse.evse_id, c.connector_id): c for c in of_station.all()}
    made = []
    for new in wanted:
        connector = rows[new.evse_id, new.connector_id]
        connector.type, connector.max_power_w = new.type, new.max_power_w
        made.append(connector)
    Connector.objects.bulk_update(made, ["type", "max_power_w"])
    return made


def _check_connectors(wanted: Sequence[NewConnector]) -> None:
    errors: list[FieldError] = []
    seen: set[tuple[int, int]] = set()
    for index, new in enumerate(wanted):
        place = (new.evse_id, new.connector_id)
        if not is_acceptable(*place):
            text = _("EVSE and connector numbers run from 1 to 100.")
            errors.append(FieldError(f"connectors.{index}", "out_of_range", text))
        if place in seen:
            text = _("The connector is named twice.")
            errors.append(FieldError(f"connectors.{index}", "duplicate", text))
        if new.type not in Connector.Type.values:
            text = _("Choose one of: %(types)s.") % {"types": ", ".join(Connector.Type.values)}
            errors.append(FieldError(f"connectors.{index}.type", "unknown", text))
        if new.max_power_w is not None and not 1 <= new.max_power_w <= 10_000_000:
            text = _("The power is between 1 W and 10 MW.")
            errors.append(FieldError(f"connectors.{index}.max_power_w", "out_of_range", text))
        seen.add(place)
    if errors or not wanted:
        raise InvalidInput(_("The connectors are not valid."), errors=errors)


def _assign(station: Station, fields: Mapping[str, Any]) -> None:
    unknown = sorted(set(fields) - EDITABLE_FIELDS)
    if unknown:
        raise _invalid(unknown[0], _("This cannot be changed."))
    for name, value in fields.items():
        setattr(station, name, value)
    versions = station.allowed_versions
    if not versions or not set(versions) <= set(VERSIONS):
        text = _("Choose one or more of: %(versions)s.") % {"versions": ", ".join(VERSIONS)}
        raise _invalid("allowed_versions", text)
    if station.security_profile not in Station.SecurityProfile.values:
        raise _invalid("security_profile", _("The security profile is 0, 1, 2 or 3."))


def _is_stricter(before: Mapping[str, Any], station: Station) -> bool:
    """Whether the station now asks more of who connects than when `before` was so."""
    profile, registration = station.security_profile, station.registration_status
    is_raised = profile > before.get("security_profile", profile)
    is_changed = registration != before.get("registration_status", registration)
    return is_raised or (is_changed and registration == RegistrationStatus.REJECTED)


def _refuse_taken(identity: str) -> None:
    taken = Station.objects.alias(folded=Lower("identity")).filter(folded=identity.lower()).first()
    if taken is None:
        return
    if taken.archived_at is not None:
        text = _("An archived station has this identity; restore it instead.")
        raise Conflict(text, code="identity_archived")
    raise Conflict(_("Another station has this identity."), code="identity_taken")


def _invalid(field: str, detail: str) -> InvalidInput:
    return InvalidInput(detail, errors=[FieldError(field, "invalid", detail)])


def _plain(value: Any) -> Any:
    return value.pk if isinstance(value, Model) else value
