"""What stations report: boots, statuses, presence, anomalies."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from chargepoints.domain.intervals import spread
from chargepoints.domain.reports import BootReport, StatusReport
from chargepoints.domain.states import ConnectorStatus, RegistrationStatus
from chargepoints.events import ConnectorStatusChanged, StationConnected, StationDisconnected
from chargepoints.models import Connector, ConnectorStatusEvent, Evse, Station, StationAnomaly
from chargepoints.services import anomalies, presence, registration, status
from chargepoints.services.connectors import ensure_connector
from csms.common import events
from csms.common.errors import InvalidInput
from tests.support.factories import connector_of, make_station
from tests.support.threads import in_threads, meanwhile

NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def report(
    connector_status: ConnectorStatus = ConnectorStatus.AVAILABLE, evse_id: int = 1, **fields: Any
) -> StatusReport:
    return StatusReport(
        **{
            "received_at": NOW,
            "evse_id": evse_id,
            "connector_id": 1 if evse_id else 0,
            "status": connector_status,
            **fields,
        }
    )


def boot(**fields: Any) -> BootReport:
    known: dict[str, Any] = {"vendor": "ABB", "model": "Terra 54", "serial_number": "A1"}
    return BootReport(received_at=NOW, **known | fields)


def anomalies_of(station: Station) -> dict[str, tuple[int, str]]:
    rows = StationAnomaly.objects.filter(station=station)
    return {row.kind: (row.count, row.detail) for row in rows}


@pytest.mark.parametrize("first", [1, 17_000, 2**40])
def test_chargers_that_booted_together_do_not_come_back_together(first: int) -> None:
    intervals = [spread(300, station_id) for station_id in range(first, first + 5_000)]
    assert intervals == [spread(300, station_id) for station_id in range(first, first + 5_000)]
    assert (min(intervals), max(intervals)) == (270, 330)
    # 82 in each of 61 seconds would be perfect.
    assert max(Counter(intervals).values()) < 100
    assert spread(1, first) >= 1


@pytest.mark.django_db
class TestBoot:
    def test_is_stored_and_answered_with_the_stored_registration(self, settings: Any) -> None:
        settings.OCPP_HEARTBEAT_INTERVAL_SECONDS = 240
        station = make_station(registration_status="Pending", firmware_version="1.0")
        answer = registration.register_boot(station.pk, boot())
        interval = spread(240, station.pk)
        assert answer == registration.BootAnswer(RegistrationStatus.PENDING, interval, NOW)
        station.refresh_from_db()
        assert (station.vendor, station.model, station.serial_number) == ("ABB", "Terra 54", "A1")
        assert station.firmware_version == "1.0", "what is not sent stays"
        assert station.booted_at == station.last_seen_at == NOW
        assert anomalies_of(station) == {}

    def test_of_another_device_is_accepted_and_noted(self) -> None:
        station = make_station(vendor="ABB", model="Terra 54", serial_number="A1")
        for _time in range(2):
            registration.register_boot(station.pk, boot(vendor="Delta", serial_number="D9"))
            registration.register_boot(station.pk, boot())
        count, detail = anomalies_of(station)["identity_changed"]
        assert count == 4
        assert detail == "vendor: Delta → ABB; serial_number: D9 → A1"

    def test_with_strings_that_no_column_holds_is_accepted(self) -> None:
        station = make_station()
        answer = registration.register_boot(
            station.pk,
            boot(vendor="<script>", model="M\x00" * 300, anomalies=("serial_too_long",)),
        )
        assert answer.status == RegistrationStatus.ACCEPTED
        station.refresh_from_db()
        assert (station.vendor, station.model) == ("<script>", "M" * 255)
        assert anomalies_of(station) == {"string_cut": (1, "model"), "serial_too_long": (1, "")}


@pytest.mark.django_db
class TestStatus:
    def test_brings_the_connector_up_to_date_and_keeps_history(self) -> None:
        station = make_station()
        status.report_status(
            station.pk,
            report(
                ConnectorStatus.FAULTED,
                error_code="Error\x00",
                vendor_error_code="v" * 300,
                info="i" * 600,
            ),
        )
        connector = connector_of(station)
        assert (connector.status, connector.status_at) == ("Faulted", NOW)
        assert connector.error_code == "Error"
        assert (len(connector.vendor_error_code), len(connector.status_info)) == (255, 500)
        event = ConnectorStatusEvent.objects.get()
        assert (event.connector, event.status, event.reported_at) == (connector, "Faulted", None)

    def test_that_is_older_is_history_only(self) -> None:
        station = make_station()
        status.report_status(station.pk, report(reported_at=NOW))
        status.report_status(station.pk, report(ConnectorStatus.CHARGING, reported_at=NOW - MINUTE))
        status.report_status(station.pk, report(ConnectorStatus.CHARGING, received_at=NOW - MINUTE))
        assert connector_of(station).status == "Available"
        assert ConnectorStatusEvent.objects.count() == 3
        status.report_status(station.pk, report(ConnectorStatus.FINISHING, reported_at=NOW))
        assert connector_of(station).status == "Finishing", "the same moment counts"

    @pytest.mark.parametrize(
        "reported_at",
        [
            NOW + timedelta(hours=7),
            datetime(1970, 1, 1, tzinfo=UTC),
            datetime(2106, 2, 7, tzinfo=UTC),
        ],
    )
    def test_of_a_wrong_clock_counts_from_its_arrival(self, reported_at: datetime) -> None:
        station = make_station()
        status.report_status(station.pk, report(reported_at=reported_at))
        assert connector_of(station).status_at == NOW
        assert ConnectorStatusEvent.objects.get().reported_at == reported_at
        assert anomalies_of(station)["clock_fault"][0] == 1
        later = report(ConnectorStatus.CHARGING, received_at=NOW + MINUTE)
        status.report_status(station.pk, later)
        assert connector_of(station).status == "Charging"

    def test_of_connector_zero_is_the_stations(self) -> None:
        station = make_station(connectors=0)
        status.report_status(station.pk, report(ConnectorStatus.UNAVAILABLE, evse_id=0))
        station.refresh_from_db()
        assert (station.status, station.status_at) == ("Unavailable", NOW)
        assert ConnectorStatusEvent.objects.get().connector is None
        assert not Connector.objects.exists()

    def test_of_impossible_connectors_is_kept_and_noted(self) -> None:
        station = make_station()
        for evse_id in (-1, 101, 10**12):
            status.report_status(station.pk, report(evse_id=evse_id))
        assert ConnectorStatusEvent.objects.filter(connector=None).count() == 3
        assert anomalies_of(station)["connector_out_of_range"][0] == 3
        assert Connector.objects.count() == 1
        with pytest.raises(InvalidInput):
            ensure_connector(station.pk, 0, 1)

    def test_changes_are_published_once_each(
        self, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[events.Event] = []
        station = make_station(connectors=2)
        first = connector_of(station)
        items = [
            (station.pk, report()),
            (station.pk, report(ConnectorStatus.UNKNOWN, evse_id=2)),
            (station.pk, report(ConnectorStatus.PREPARING)),
        ]
        monkeypatch.setattr(events, "_handlers", {ConnectorStatusChanged: [seen.append]})
        with django_capture_on_commit_callbacks(execute=True):
            status.report_statuses(items)
        with django_capture_on_commit_callbacks(execute=True):
            status.report_status(station.pk, report(ConnectorStatus.PREPARING))
        assert seen == [ConnectorStatusChanged(station.pk, first.pk)]

    @pytest.mark.parametrize("number", [1, 40])
    def test_bulk_takes_the_same_queries_for_any_number(
        self, number: int, django_assert_num_queries: Any
    ) -> None:
        known = [make_station(connectors=2) for _number in range(number)]
        items = [
            (station.pk, report(evse_id=evse_id)) for station in known for evse_id in (0, 1, 2)
        ]
        # Two of them are the test's savepoint.
        with django_assert_num_queries(7):
            status.report_statuses(items)
        assert Connector.objects.filter(status="Available").count() == 2 * number
        assert ConnectorStatusEvent.objects.count() == 3 * number


@pytest.mark.django_db(transaction=True)
def test_ten_statuses_at_once_for_a_new_station_make_each_connector_once() -> None:
    station, other = make_station(connectors=0), make_station(connectors=0)

    def send(number: int) -> None:
        both = [
            (target.pk, report(evse_id=evse_id, connector_id=connector_id))
            for target in (station, other)
            for evse_id in range(1, 6)
            for connector_id in (1, 2)
        ]
        if number % 2:
            both.reverse()
        status.report_statuses(both)
        assert ensure_connector(station.pk, 6, 1).evse.evse_id == 6

    in_threads(10, send)
    assert Evse.objects.filter(station=station).count() == 6
    assert Connector.objects.filter(evse__station=station).count() == 11
    assert Connector.objects.filter(evse__station=other, status="Available").count() == 10
    assert ConnectorStatusEvent.objects.count() == 10 * 20


@pytest.mark.django_db
class TestPresence:
    def test_connects_and_disconnects(
        self, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[events.Event] = []
        handlers = {StationConnected: [seen.append], StationDisconnected: [seen.append]}
        monkeypatch.setattr(events, "_handlers", handlers)
        station = make_station()
        with django_capture_on_commit_callbacks(execute=True):
            presence.mark_connected(station.pk, version="ocpp1.6", at=NOW)
        station.refresh_from_db()
        assert (station.is_online, station.ocpp_version) == (True, "ocpp1.6")
        assert station.connected_at == station.last_seen_at == NOW
        with django_capture_on_commit_callbacks(execute=True):
            presence.mark_disconnected(station.pk)
            presence.mark_disconnected(station.pk)
        station.refresh_from_db()
        assert not station.is_online
        assert seen == [StationConnected(station.pk), StationDisconnected(station.pk)]

    def test_seen_times_only_go_forward(self) -> None:
        fresh, known, ahead = make_station(), make_station(), make_station()
        presence.record_seen({known.pk: NOW - MINUTE, ahead.pk: NOW + MINUTE})
        presence.record_seen({station.pk: NOW for station in (fresh, known, ahead)})
        presence.record_seen({})
        times = [
            Station.objects.get(pk=station.pk).last_seen_at for station in (fresh, known, ahead)
        ]
        assert times == [NOW, NOW, NOW + MINUTE]

    def test_seen_is_one_statement_for_all(self, django_assert_num_queries: Any) -> None:
        stations = [make_station().pk for _number in range(30)]
        with django_assert_num_queries(1):
            presence.record_seen(dict.fromkeys(stations, NOW))


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite locks no rows")
def test_a_station_that_somebody_has_locked_keeps_no_other_one_waiting() -> None:
    locked, other = make_station(), make_station()
    with meanwhile(lambda: Station.objects.select_for_update().get(pk=locked.pk)):
        left_out = presence.record_seen({locked.pk: NOW, other.pk: NOW})
        assert left_out == {locked.pk: NOW}
        assert Station.objects.get(pk=other.pk).last_seen_at == NOW
    assert Station.objects.get(pk=locked.pk).last_seen_at is None
    assert presence.record_seen(left_out) == {}
    assert Station.objects.get(pk=locked.pk).last_seen_at == NOW


@pytest.mark.django_db(transaction=True)
def test_anomalies_of_many_processes_are_counted_in_one_row() -> None:
    station = make_station()
    in_threads(8, lambda number: anomalies.record(station.pk, "k" * 60, f"\x00{number}", NOW))
    row = StationAnomaly.objects.get()
    assert (row.kind, row.count, len(row.detail), row.first_at) == ("k" * 50, 8, 1, NOW)
