"""A driver in front of a charger that is ready, and what the charger answers."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from accounts.models import User
from chargepoints.domain.states import CommandStatus, ConnectorStatus
from chargepoints.models import Command, Connector, Station
from chargepoints.services import commands
from csms.common import clock
from tests.support.factories import (
    connector_of,
    make_operator,
    make_site,
    make_station,
    make_tariff,
)
from transactions.models import Session
from transactions.selectors.tariffs import version_for
from transactions.services.driver_sessions import PriceShown, create_session
from transactions.services.remote_control import request_start


class Clock:
    """Stands still until it is told otherwise."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def passes(self, **duration: float) -> datetime:
        self.at += timedelta(**duration)
        return self.at


def frozen_clock(monkeypatch: pytest.MonkeyPatch, at: datetime) -> Clock:
    frozen = Clock(at)
    monkeypatch.setattr(clock, "now", frozen)
    return frozen


def make_ready_station(identity: str = "", *, connectors: int = 1, **fields: Any) -> Station:
    """Online, priced at 7.50 THB per kWh, every connector available."""
    operator = make_operator()
    make_tariff(operator)
    station = make_station(
        identity,
        site=make_site(operator),
        connectors=connectors,
        is_online=True,
        ocpp_version="ocpp1.6",
        **fields,
    )
    Connector.objects.filter(evse__station=station).update(status=ConnectorStatus.AVAILABLE.value)
    return station


def price_of(connector: Connector) -> PriceShown:
    """What the app shows there now."""
    version = version_for(connector.evse, clock.now())
    return PriceShown(names_version=True, version_id=None if version is None else version.pk)


def create(driver: User, station: Station, evse_id: int = 1) -> Session:
    connector = Connector.objects.select_related("evse__station__site__operator").get(
        pk=connector_of(station, evse_id).pk
    )
    return create_session(driver, connector, price_of(connector)).session


def start(driver: User, station: Station, evse_id: int = 1) -> Session:
    """A session that the charger is being asked to begin."""
    return request_start(create(driver, station, evse_id), driver)


def send(command: Command, epoch: int = 1) -> None:
    """As the gateway does: the command goes out on the connection `epoch`."""
    commands.mark_sent(
        command,
        action="RemoteStartTransaction",
        message_id=str(uuid4()),
        request={},
        epoch=epoch,
    )


def answer(command: Command, status: CommandStatus, epoch: int = 1) -> None:
    """The command goes out, and the charger answers."""
    send(command, epoch)
    commands.settle(command.pk, status=status, response={}, at=clock.now())
