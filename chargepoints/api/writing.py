"""From what a request holds to the services that write stations, sites and connectors."""

import secrets
from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import ApiKey, User
from chargepoints.models import Site, Station
from chargepoints.selectors.places import operators_for, sites_for
from chargepoints.services import sites, stations
from chargepoints.services.security_settings import PASSWORD_PROFILES
from chargepoints.services.stations import NewConnector
from csms.common.errors import FieldError, Forbidden, InvalidInput


def new_connectors(given: Iterable[dict[str, Any]]) -> list[NewConnector]:
    return [
        NewConnector(
            evse_id=one["evse_id"],
            connector_id=one["connector_id"],
            type=one["type"],
            max_power_w=None if one["max_power_kw"] is None else round(one["max_power_kw"] * 1000),
        )
        for one in given
    ]


def create_station(caller: User | ApiKey, given: dict[str, Any]) -> tuple[Station, str | None]:
    """The station, and its password if one had to be made up: it is shown this once."""
    fields = dict(given)
    site = _site(caller, fields.pop("site"))
    password = fields.pop("password", None)
    made_up = None
    profile = fields.get("security_profile", Station.SecurityProfile.BASIC)
    if password is None and profile in PASSWORD_PROFILES:
        password = made_up = secrets.token_urlsafe(24)
    station = stations.create_station(
        site=site,
        identity=fields.pop("identity"),
        actor=caller,
        password=password,
        connectors=new_connectors(fields.pop("connectors", ())),
        **fields,
    )
    return station, made_up


def change_station(caller: User | ApiKey, station: Station, given: dict[str, Any]) -> Station:
    changes = dict(given)
    password = changes.pop("password", None)
    if "site" in changes:
        changes["site"] = _site(caller, changes["site"])
    return stations.update_station(station, actor=caller, changes=changes, password=password)


def create_site(caller: User | ApiKey, given: dict[str, Any]) -> Site:
    fields = dict(given)
    code = fields.pop("operator", None)
    operators = list(operators_for(caller).filter(**({"code": code} if code else {}))[:2])
    if not operators and not code:
        raise Forbidden(_("You work for no operator."))
    if len(operators) != 1:
        text = _("Name one of your operators by its code.")
        raise InvalidInput(text, errors=[FieldError("operator", "does_not_exist", text)])
    return sites.create_site(operator=operators[0], actor=caller, **fields)


def _site(caller: User | ApiKey, key: int) -> Site:
    site = sites_for(caller).filter(pk=key).first()
    if site is None:
        text = _("There is no such site.")
        raise InvalidInput(text, errors=[FieldError("site", "does_not_exist", text)])
    return site
