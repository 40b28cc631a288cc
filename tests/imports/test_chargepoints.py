"""`import_chargepoints`: the whole file or nothing of it, and every mistake named."""

import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Operator
from chargepoints.models import Connector, Evse, Site, Station
from chargepoints.services.archiving import archive_station
from chargepoints.services.passwords import check_password
from csms.common.audit import SystemActor
from csms.common.csv_input import NotReadable, Problems
from csms.common.models import AuditEntry
from csms.imports.chargepoint_rows import COLUMNS
from csms.imports.chargepoints import ChargepointImport, import_chargepoints
from tests.support.factories import make_operator, make_site, make_station, make_tariff
from transactions.models import TariffAssignment

HEADING = ",".join(COLUMNS)
GOOD = (
    "TH-001,a-long-password-1,Plug Thai,Siam,13.745570,100.534960,ABB,Terra 54,"
    "1.6|2.0.1,1,2,CCS2,150,"
)
ACTOR = SystemActor("test")


def run(*lines: str, heading: str = HEADING) -> tuple[ChargepointImport | None, list[str]]:
    problems = Problems()
    data = "\n".join((heading, *lines)).encode()
    result = import_chargepoints(data, actor=ACTOR, problems=problems)
    return result, [f"{p.line}:{p.column}" for p in problems.shown]


def row(**cells: str) -> str:
    """A row with only these cells; names and place are given unless they are."""
    filled = {"identity": "TH-9", "operator": "Plug Thai", "site": "Siam", **cells}
    return ",".join(filled.get(column, "") for column in COLUMNS)


def counts() -> tuple[int, ...]:
    models = (Operator, Site, Station, Evse, Connector, TariffAssignment, AuditEntry)
    return tuple(model.objects.count() for model in models)


@pytest.mark.django_db
def test_a_file_makes_operators_sites_stations_and_connectors() -> None:
    result, problems = run(GOOD, GOOD.replace("TH-001", "th-002").replace("Siam", "สยาม"))
    assert problems == []
    assert result == ChargepointImport(2, 0, 0, 1, 2, [])
    station = Station.objects.get(identity="TH-001")
    assert station.site.operator.code == "plug-thai"
    assert (station.site.latitude, station.site.longitude) == (
        Decimal("13.745570"),
        Decimal("100.534960"),
    )
    assert (station.vendor, station.model) == ("ABB", "Terra 54")
    assert station.allowed_versions == ["ocpp1.6", "ocpp2.0.1"]
    assert check_password(station.password_hash, "a-long-password-1")
    plugs = Connector.objects.filter(evse__station=station)
    assert [(c.evse.evse_id, c.connector_id, c.type, c.max_power_w) for c in plugs] == [
        (1, 1, "CCS2", 150_000),
        (2, 1, "CCS2", 150_000),
    ]
    assert AuditEntry.objects.filter(action="import.create").count() == 5
    assert "a-long-password-1" not in str(list(AuditEntry.objects.values()))


@pytest.mark.django_db
def test_the_same_file_again_changes_nothing() -> None:
    make_tariff(make_operator("plug", name="Plug Thai"), name="Day")
    line = f"{GOOD}Day"
    run(line)
    before = (counts(), list(Station.objects.values()), list(Connector.objects.values()))
    result, problems = run(line)
    assert problems == []
    assert result == ChargepointImport(0, 0, 1, 0, 0, [])
    assert before == (
        counts(),
        list(Station.objects.values()),
        list(Connector.objects.values()),
    )


@pytest.mark.django_db
def test_another_file_changes_what_it_fills_and_removes_nothing() -> None:
    operator = make_operator("plug", name="Plug Thai")
    make_tariff(operator, name="Night", is_default=False)
    run(GOOD)
    result, problems = run(
        row(identity="th-001", operator="PLUG", connectors="1", max_power_kw="50", tariff="night")
    )
    assert problems == []
    assert result is not None
    assert (result.created, result.updated, len(result.notes)) == (0, 1, 1)
    station = Station.objects.get()
    assert (station.vendor, station.security_profile) == ("ABB", 1)
    assert check_password(station.password_hash, "a-long-password-1")
    assert list(Connector.objects.order_by("evse__evse_id").values_list("type", "max_power_w")) == [
        ("CCS2", 50_000),
        ("CCS2", 150_000),
    ]
    assert TariffAssignment.objects.get().station == station

    run(
        row(
            identity="TH-001",
            password="another-password-2",
            site="Ari",
            latitude="13.78",
            longitude="100.54",
            security_profile="2",
            connectors="3",
        )
    )
    station.refresh_from_db()
    assert (station.site.name, station.security_profile) == ("Ari", 2)
    assert check_password(station.password_hash, "another-password-2")
    assert not check_password(station.password_hash, "a-long-password-1")
    assert Evse.objects.filter(station=station).count() == 3


@pytest.mark.django_db
def test_every_mistake_is_named_at_once_and_nothing_is_applied() -> None:
    make_station("TAKEN", site=make_site(make_operator(name="Other")))
    archive_station(make_station("GONE", site=make_site(make_operator(name="Old"))), actor=ACTOR)
    before = counts()
    place = {"latitude": "13.7", "longitude": "100.5", "security_profile": "0"}
    result, problems = run(
        GOOD,
        row(identity="", **place),
        row(identity="a/b", **place),
        row(identity="th-001", security_profile="0"),
        row(identity="A1", operator="", **place),
        row(identity="A2", site="Nowhere"),
        row(identity="A3", latitude="91", longitude="100.5", security_profile="0"),
        row(identity="A4", latitude="13.745570", longitude="x", security_profile="0"),
        row(identity="A5", site="Siam", latitude="13", longitude="100", security_profile="0"),
        row(identity="A6", ocpp_versions="1.6|1.5", security_profile="0"),
        row(identity="A7", security_profile="4", password="a-password-long"),
        row(identity="A8", security_profile="2"),
        row(identity="A9", connectors="0", security_profile="0"),
        row(identity="A10", connectors="1.5", security_profile="0"),
        row(identity="A11", connector_type="USB-C", security_profile="0"),
        row(identity="A12", max_power_kw="NaN", security_profile="0"),
        row(identity="A13", max_power_kw="-1", security_profile="0"),
        row(identity="A14", tariff="Day", security_profile="0"),
        row(identity="A15", vendor="x" * 256, security_profile="0"),
        row(identity="TAKEN", operator="Plug Thai", security_profile="0"),
        row(identity="GONE", operator="Old", **place),
        "too,few",
        row(identity="A16", latitude="1", security_profile="0"),
        row(identity="A17", model="a\x00b", security_profile="0"),
    )
    assert result is None
    assert set(problems) == {
        "3:identity",
        "4:identity",
        "5:identity",
        "6:operator",
        "7:latitude",
        "8:latitude",
        "9:longitude",
        "10:latitude",
        "11:ocpp_versions",
        "12:security_profile",
        "13:password",
        "14:connectors",
        "15:connectors",
        "16:connector_type",
        "17:max_power_kw",
        "18:max_power_kw",
        "19:tariff",
        "20:vendor",
        "21:operator",
        "22:identity",
        "23:",
        "24:longitude",
        "25:model",
    }
    assert counts() == before


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"identity,operator,site\n\xff\xfe", "line 2 is not UTF-8"),
        (b"identity,operator\n", "site is missing"),
        (b"identity,operator,site,color\n", "color"),
        (b"identity,operator,site,SITE\n", "twice"),
        ("identity,operator,site".encode("utf-16"), "not UTF-8"),
    ],
)
def test_files_that_cannot_be_read(data: bytes, reason: str) -> None:
    with pytest.raises(NotReadable, match=reason):
        import_chargepoints(data, actor=ACTOR, problems=Problems())


@pytest.mark.django_db
@pytest.mark.parametrize("spelling", ["1.6", "1.6J", "OCPP1.6", "ocpp1.6j", "1.6; 1.6J"])
def test_versions_in_their_spellings(spelling: str) -> None:
    run(row(latitude="1", longitude="1", password="x", ocpp_versions=spelling))
    assert Station.objects.get().allowed_versions == ["ocpp1.6"]


@pytest.mark.django_db
def test_spreadsheets_write_marks_semicolons_and_empty_lines(tmp_path: Path) -> None:
    file = tmp_path / "points.csv"
    text = f"{HEADING}\r\n{row(password='x', latitude='1', longitude='1')}\r\n,,,\r\n"
    file.write_bytes(b"\xef\xbb\xbf" + text.replace(",", ";").encode())
    out, notes = io.StringIO(), io.StringIO()
    call_command("import_chargepoints", str(file), stdout=out, stderr=notes)
    assert out.getvalue().startswith("1 stations created")
    assert "shorter than the 16 characters" in notes.getvalue()


@pytest.mark.django_db
def test_the_command_reads_standard_input_and_tells_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = [HEADING, *(row(identity=f"S {number}/") for number in range(150))]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("\n".join(lines).encode())))
    with pytest.raises(CommandError) as refusal:
        call_command("import_chargepoints", "-")
    report = str(refusal.value)
    assert "line 2, column identity: An identity has letters" in report
    assert "and 50 more problems" in report
    assert report.endswith("Nothing of the file was applied. Correct it and run the same again.")
    with pytest.raises(CommandError, match="Cannot read /nowhere: No such file"):
        call_command("import_chargepoints", "/nowhere")


cells = st.one_of(
    st.sampled_from(
        ["", "TH-1", "Plug", "Siam", "13.7", "100.5", "1.6", "1", "0", "CCS2", "x" * 300, "-1"]
    ),
    st.text(max_size=12),
)


@pytest.mark.django_db(transaction=False)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    lines=st.lists(st.lists(cells, min_size=len(COLUMNS), max_size=len(COLUMNS)), max_size=4),
    noise=st.binary(max_size=20),
    quoted=st.booleans(),
)
def test_whatever_the_file_holds_it_is_applied_whole_or_not_at_all(
    lines: list[list[str]], noise: bytes, quoted: bool
) -> None:
    before = counts()
    problems = Problems()
    quote = '"' if quoted else ""
    text = "\n".join(",".join(f"{quote}{cell}{quote}" for cell in line) for line in lines)
    data = f"{HEADING}\n{GOOD}\n{text}\n".encode("utf-8", "surrogatepass") + noise
    result: Any = None
    try:
        result = import_chargepoints(data, actor=ACTOR, problems=problems)
    except NotReadable:
        assert counts() == before
        return
    if result is None:
        assert problems.total > 0
        assert counts() == before
    else:
        assert problems.total == 0
        total = result.created + result.updated + result.unchanged
        assert Station.objects.filter(identity__iexact="TH-001").count() == 1
        assert total <= 1 + len(lines) + noise.count(b"\n") + noise.count(b"\r") + 1
