"""The status of connectors and stations, one at a time or hundreds in one transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from chargepoints.domain.clocks import effective_time, is_plausible
from chargepoints.domain.reports import StatusReport
from chargepoints.domain.text import fit
from chargepoints.events import ConnectorStatusChanged
from chargepoints.locks import lock_stations
from chargepoints.models import Connector, ConnectorStatusEvent, Station
from chargepoints.services.anomalies import Anomaly, record_many
from chargepoints.services.connectors import ConnectorKey, is_acceptable, lock_with_missing
from csms.common.bulk import update_each
from csms.common.events import publish

CODE_LENGTH = 255
INFO_LENGTH = 500

StatusItem = tuple[int, StatusReport]


def report_status(station_id: int, report: StatusReport) -> None:
    report_statuses([(station_id, report)])


@transaction.atomic
def report_statuses(items: Sequence[StatusItem]) -> None:
    """Store every report as history and bring the current states up to date.

    A report older than the current state is history only. Its age is the charger's own time where
    that is plausible, our receive time otherwise. A connector that is not known is made; EVSE 0 is
    the station itself. Numbers that no station has are kept as the station's history.
    """
    if not items:
        return
    stations = {s.pk: s for s in lock_stations({i for i, r in items if r.evse_id == 0})}
    wanted = {_key(i, r) for i, r in items if is_acceptable(r.evse_id, r.connector_id)}
    connectors = lock_with_missing({key[0] for key in wanted}, wanted) if wanted else {}

    changed_stations: dict[int, dict[str, Any]] = {}
    changed_connectors: dict[int, dict[str, Any]] = {}
    before = {connector.pk: connector.status for connector in connectors.values()}
    for station_id, report in items:
        moment = effective_time(report.reported_at, report.received_at)
        connector = connectors.get(_key(station_id, report))
        if report.evse_id == 0:
            _apply_to_station(stations[station_id], report, moment, changed_stations)
        elif connector is not None:
            _apply_to_connector(connector, report, moment, changed_connectors)
    update_each(Station, changed_stations)
    update_each(Connector, changed_connectors)
    ConnectorStatusEvent.objects.bulk_create(_history(items, connectors))
    record_many(_anomalies(items))
    for connector in connectors.values():
        if connector.status != before[connector.pk]:
            publish(ConnectorStatusChanged(connector.evse.station_id, connector.pk))


def _key(station_id: int, report: StatusReport) -> ConnectorKey:
    return station_id, report.evse_id, report.connector_id


def _apply_to_station(
    station: Station, report: StatusReport, moment: datetime, changed: dict[int, dict[str, Any]]
) -> None:
    if station.status_at is not None and moment < station.status_at:
        return
    station.status, station.status_at = report.status.value, moment
    changed[station.pk] = {"status": station.status, "status_at": moment}


def _apply_to_connector(
    connector: Connector, report: StatusReport, moment: datetime, changed: dict[int, dict[str, Any]]
) -> None:
    if connector.status_at is not None and moment < connector.status_at:
        return
    connector.status, connector.status_at = report.status.value, moment
    changed[connector.pk] = {
        "status": connector.status,
        "status_at": moment,
        "error_code": fit(report.error_code, CODE_LENGTH),
        "vendor_error_code": fit(report.vendor_error_code, CODE_LENGTH),
        "status_info": fit(report.info, INFO_LENGTH),
    }


def _history(
    items: Sequence[StatusItem], connectors: dict[ConnectorKey, Connector]
) -> list[ConnectorStatusEvent]:
    return [
        ConnectorStatusEvent(
            station_id=station_id,
            connector=connectors.get(_key(station_id, report)),
            status=report.status.value,
            error_code=fit(report.error_code, CODE_LENGTH),
            vendor_error_code=fit(report.vendor_error_code, CODE_LENGTH),
            info=fit(report.info, INFO_LENGTH),
            reported_at=report.reported_at,
            received_at=report.received_at,
        )
        for station_id, report in items
    ]


def _anomalies(items: Sequence[StatusItem]) -> list[Anomaly]:
    found = []
    for station_id, report in items:
        at = report.received_at
        if report.evse_id != 0 and not is_acceptable(report.evse_id, report.connector_id):
            detail = f"EVSE {report.evse_id}, connector {report.connector_id}"
            found.append(Anomaly(station_id, "connector_out_of_range", detail, at))
        if report.reported_at is not None and not is_plausible(report.reported_at, at):
            detail = f"status with {report.reported_at.isoformat()}"
            found.append(Anomaly(station_id, "clock_fault", detail, at))
    return found
