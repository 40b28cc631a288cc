"""T37: what a stranger learns about chargers, at the gateway and from the API."""

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from websockets.exceptions import InvalidStatus

from accounts.models import User
from accounts.services import export_files
from chargepoints.domain.public_codes import ALPHABET, STATION_CODE_LENGTH
from chargepoints.models import Command, Evse, Favourite, Station
from csms.common import clock, personal_data
from ocpp_gateway import consumer
from tests.api.client import ApiClient, document
from tests.api.operations import OPERATIONS, Rows, asked
from tests.ocpp_gateway.servers import GatewayServer, charger
from tests.support.factories import (
    STATION_PASSWORD,
    connector_of,
    make_driver,
    make_staff,
    make_station,
)
from transactions.models import Session

pytestmark = pytest.mark.faults


def refused(server: GatewayServer, identity: str, password: str | None) -> int:
    with pytest.raises(InvalidStatus) as refusal, charger(server, identity, password=password):
        pytest.fail("The stranger was let in.")
    return refusal.value.response.status_code


def test_T37_a_refusal_takes_as_long_whether_the_charger_exists_or_not(
    server: GatewayServer, station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No clock here: each has to wait for a moment that is fixed before anything is checked."""
    waits: list[float] = []
    wait_until = consumer.wait_until

    async def noted(moment: float) -> None:
        waits.append(moment)
        await wait_until(moment)

    monkeypatch.setattr(consumer, "wait_until", noted)
    assert refused(server, "NOBODY", "wrong") == 404
    assert refused(server, station.identity, "wrong") == 401
    assert refused(server, station.identity, None) == 401
    assert len(waits) == 3
    with charger(server, station) as socket:
        socket.boot()
    assert len(waits) == 3, "Who is let in does not wait."


def public_paths(station: Station) -> Iterator[str]:
    """Every address that can be read, with this station where one is named."""
    given = {"identity": station.public_code, "latitude": "13.7", "longitude": "100.5"}
    for path, item in document()["paths"].items():
        if "get" in item:
            for name, value in given.items():
                path = path.replace(f"{{{name}}}", value)
            yield path


@pytest.mark.django_db
def test_T37_no_public_answer_holds_what_opens_a_socket() -> None:
    station = make_station(
        "TH-BKK-4711",
        vendor="Vendor-Known",
        serial_number="Serial-Known",
        firmware_version="Firmware-Known",
        iccid="Iccid-Known",
        imsi="Imsi-Known",
        meter_serial_number="Meter-Known",
        password_hash="argon2-Known",
    )
    driver = ApiClient.of(make_driver())
    read = 0
    for client in (ApiClient(), driver):
        for path in public_paths(station):
            body = client.call("get", path).content.decode()
            read += station.public_code in body
            assert station.identity not in body, path
            assert "-Known" not in body, path
            assert STATION_PASSWORD not in body, path
    assert read >= 10, "Few answers were about the station."
    assert Client().get("/admin/stations/").status_code == 302


@pytest.fixture
def driver(db: None) -> User:
    return make_driver()


@pytest.mark.django_db
def test_T37_an_identity_is_as_unknown_to_the_public_as_a_made_up_one(driver: User) -> None:
    """No clock here either: the same queries and the same answer, whether there is one or not."""
    station = make_station("TH-BKK-4711")
    for client in (ApiClient(), ApiClient.of(driver)):
        seen = []
        for named in (station.identity, "TH-BKK-4712"):
            with CaptureQueriesContext(connection) as queries:
                problem = client.json("get", f"/api/chargepoints/{named}", expect=404)
            statements = [query["sql"].replace(named, "…") for query in queries.captured_queries]
            del problem["request_id"], problem["instance"]
            seen.append((re.sub(r"[0-9a-f-]{32,}|\d+", "N", str(statements)), problem))
        assert seen[0] == seen[1]
        for path in ("check-connectors/TH-BKK-4711", "?q=TH-BKK-4711", "?q=4711", "list?q=th-bkk"):
            body = client.call("get", f"/api/chargepoints/{path}").content.decode()
            assert station.public_code not in body


@pytest.mark.django_db
def test_T37_a_driver_knows_the_station_of_a_session_by_its_public_code(driver: User) -> None:
    station = make_station("TH-BKK-4711")
    session = Session.objects.create(
        station=station, connector=connector_of(station), driver=driver, state="PENDING"
    )
    path = f"/api/transactions/{session.public_id}/summary"
    shown = ApiClient.of(driver).json("get", path, expect=200)
    assert shown["identity"] == station.public_code
    assert station.identity not in str(shown)
    staff = make_staff(operators=[station.site.operator])
    assert ApiClient.of(staff).json("get", path, expect=200)["identity"] == station.identity


DRIVERS_WRITES = [o for o in OPERATIONS if o.method != "get" and o.takes("bearerAuth")]


@pytest.mark.django_db
@pytest.mark.parametrize("is_archived", [False, True])
def test_T37_no_answer_to_what_a_driver_sends_holds_an_identity(
    is_archived: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "csms.common.api.throttling.WindowThrottle.allow_request", lambda *_arguments: True
    )
    rows = Rows("OWN")
    identity = rows.station.identity = "TH-BKK-4711"
    archived_at = clock.now() if is_archived else None
    Station.objects.filter(pk=rows.station.pk).update(identity=identity, archived_at=archived_at)
    driver = ApiClient.of(rows.driver)
    statuses = set()
    for operation in DRIVERS_WRITES:
        request = asked(operation, rows)
        # What a driver cannot know is not sent, or it would come back in `instance`.
        path, body = (
            json.loads(json.dumps(part).replace(identity, rows.station.public_code))
            for part in (request.path, request.body)
        )
        bodies: tuple[Any, ...] = (body, {})
        for sent in bodies:
            with transaction.atomic():
                answer = driver.call(operation.method, path, sent)
                transaction.set_rollback(True)
            statuses.add(answer.status_code)
            assert identity not in answer.content.decode(), operation.name
            assert identity not in str(answer.headers), operation.name
    assert statuses >= {200, 201, 202, 400, 404}


@pytest.mark.django_db
def test_T37_an_archived_station_is_refused_without_its_identity() -> None:
    rows = Rows("OWN")
    Station.objects.update(identity="TH-BKK-4711", archived_at=clock.now())
    path = f"/api/transactions/ocpp/{rows.session.pk}/stop"
    for language, text in (("en", "The station is archived."), ("th", "เก็บสถานีถาวรแล้ว")):
        problem = ApiClient.of(rows.driver).json(
            "post", path, {}, expect=409, HTTP_ACCEPT_LANGUAGE=language
        )
        assert (problem["code"], problem["detail"]) == ("station_archived", text)


@pytest.mark.django_db
def test_T37_a_copy_of_the_data_names_stations_by_their_public_code(
    tmp_path: Path, settings: Any
) -> None:
    settings.DATA_DIR = tmp_path
    rows = Rows("OWN")
    Station.objects.update(identity="TH-BKK-4711")
    Command.objects.update(actor=rows.driver)
    Favourite.objects.create(user=rows.driver, station=rows.station)
    export_files.write("copy.zip", rows.driver.pk, personal_data.exports(), clock.now())
    with zipfile.ZipFile(export_files.path_of("copy.zip")) as archive:
        content = {name: archive.read(name).decode() for name in archive.namelist()}
    for kind in ("charging_sessions", "reservations", "favourites", "commands"):
        assert rows.station.public_code in content[f"json/{kind}.json"], kind
    assert "TH-BKK-4711" not in "".join(content.values())


@pytest.mark.django_db
def test_T37_codes_are_no_identities_and_not_to_be_guessed() -> None:
    stations = [make_station() for _number in range(50)]
    codes = {station.public_code for station in stations}
    codes |= set(Evse.objects.values_list("public_code", flat=True))
    assert len(codes) == 100
    for code in codes:
        assert set(code) <= set(ALPHABET)
        assert not Station.objects.filter(identity__iexact=code).exists()
    assert {len(station.public_code) for station in stations} == {STATION_CODE_LENGTH}


@pytest.mark.django_db
def test_T37_a_row_of_the_version_before_gets_a_code_from_the_database() -> None:
    made = make_station()
    columns = [str(f.column) for f in Station._meta.concrete_fields]
    listed = ", ".join(name for name in columns if name not in ("id", "public_code"))
    with connection.cursor() as cursor:
        for number in range(20):
            chosen = listed.replace("identity", f"'OLD-{number}'", 1)
            cursor.execute(
                f"INSERT INTO chargepoints_station ({listed}) "
                f"SELECT {chosen} FROM chargepoints_station WHERE id = {made.pk}"
            )
    codes = set(
        Station.objects.filter(identity__startswith="OLD").values_list("public_code", flat=True)
    )
    assert len(codes) == 20
    assert {len(code) for code in codes} == {STATION_CODE_LENGTH}
    assert set("".join(codes)) <= set(ALPHABET)
