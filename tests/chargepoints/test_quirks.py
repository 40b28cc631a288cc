"""Which quirk profile a charger has, and what it says of its clock."""

import importlib
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError

from chargepoints.domain.clocks import half_hours_ahead
from chargepoints.domain.quirks import Device, Pattern, Quirks, best_match
from chargepoints.domain.reports import BootReport
from chargepoints.models import QuirkProfile, Station, StationAnomaly
from chargepoints.selectors.anomalies import by_device
from chargepoints.selectors.identities import by_identity
from chargepoints.selectors.quirks import profile_of, quirks_of, with_station_counts
from chargepoints.services.registration import register_boot
from csms.common.clock import now
from tests.support.factories import make_operator, make_site, make_staff, make_station

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DEVICE = Device("Acme Ltd.", "Ultra [DC] 50", "v1.2.30")


@pytest.mark.parametrize(
    ("patterns", "best"),
    [
        ([("", "", "")], None),
        ([("acme", "", "")], None),
        ([("ACME*", "", "")], 1),
        ([("acme*", "other", "")], None),
        ([("*", "ultra [dc] ??", "")], 1),
        # More fields, then more letters, then the older one.
        ([("acme ltd.", "", ""), ("a*", "", "v1.*")], 2),
        ([("acme*", "", ""), ("acme l*", "", "")], 2),
        ([("acme*", "", ""), ("*acme", "", ""), ("acme*", "", "")], 1),
    ],
)
def test_the_most_specific_pattern_that_fits_counts(
    patterns: list[tuple[str, str, str]], best: int | None
) -> None:
    numbered = [Pattern(number, *texts) for number, texts in enumerate(patterns, start=1)]
    assert best_match(numbered, DEVICE) == best


def test_local_time_is_corrected_by_its_zone_also_in_summer_and_never_raises() -> None:
    bangkok = Quirks(clock_zone=ZoneInfo("Asia/Bangkok"))
    assert bangkok.clock_ahead(NOW) == timedelta(hours=7)
    sydney = Quirks(clock_zone=ZoneInfo("Australia/Sydney"))
    assert sydney.clock_ahead(datetime(2026, 1, 1, tzinfo=UTC)) == timedelta(hours=11)
    assert sydney.clock_ahead(datetime(2026, 7, 1, tzinfo=UTC)) == timedelta(hours=10)
    assert bangkok.clock_ahead(datetime(1, 1, 1, tzinfo=UTC)) == timedelta(0)
    assert Quirks().clock_ahead(NOW) == timedelta(0)


@pytest.mark.parametrize(
    ("minutes", "steps"),
    [(420, 14), (418, 14), (424, 0), (330, 11), (32, 1), (0, 0), (-420, 0), (840, 28), (870, 0)],
)
def test_case_41_only_whole_zones_ahead_look_like_local_time(minutes: int, steps: int) -> None:
    assert half_hours_ahead(NOW + timedelta(minutes=minutes), NOW) == steps


def boot(station: Station, **fields: Any) -> Quirks | None:
    report = {"vendor": "Acme", "model": "One", "firmware_version": "1.0", **fields}
    return register_boot(station.pk, BootReport(received_at=now(), **report)).quirks


@pytest.mark.django_db
def test_a_profile_is_chosen_at_boot_and_the_one_that_the_station_names_goes_before_it() -> None:
    broad = QuirkProfile.objects.create(name="Broad", vendor="acme", answers_no_pings=True)
    narrow = QuirkProfile.objects.create(name="Narrow", vendor="acme", firmware="2.*")
    named = QuirkProfile.objects.create(name="Named", clock_zone="Asia/Bangkok")
    station = make_station("TH-1")

    def known() -> tuple[QuirkProfile | None, Quirks | None]:
        found = by_identity("TH-1")
        assert found is not None
        station.refresh_from_db()
        return profile_of(station), found.quirks

    assert known() == (None, None)
    assert boot(station) == broad.quirks
    assert known() == (broad, broad.quirks)
    # A new firmware is another device.
    assert boot(station, firmware_version="2.1") == narrow.quirks
    assert known() == (narrow, narrow.quirks)
    Station.objects.update(quirk_profile=named)
    assert known() == (named, named.quirks)
    assert boot(station) == named.quirks
    # What is not active changes nothing, and nothing else stands in for what a person chose.
    QuirkProfile.objects.filter(pk=named.pk).update(is_active=False)
    assert known() == (None, None)
    assert boot(station) is None
    Station.objects.update(quirk_profile=None)
    assert known() == (broad, broad.quirks)
    assert quirks_of(station) == broad.quirks
    assert boot(station, vendor="Other") is None
    assert known() == (None, None)


@pytest.mark.django_db
def test_the_profiles_that_come_with_it_fit_nobody_by_themselves_and_are_valid() -> None:
    migration = importlib.import_module("chargepoints.migrations.0006_quirk_profiles")
    QuirkProfile.objects.all().delete()
    migration.add_generic_profiles(apps, None)
    profiles = list(QuirkProfile.objects.all())
    assert len(profiles) >= 9
    for profile in profiles:
        profile.full_clean()
        assert not profile.pattern.matches(DEVICE)
        assert profile.quirks != Quirks(), profile.name
    assert boot(make_station()) is None
    with pytest.raises(ValidationError):
        QuirkProfile(name="Nowhere", clock_zone="Mars/Olympus").full_clean()


@pytest.mark.django_db
def test_deviations_are_counted_by_vendor_within_the_callers_operators() -> None:
    operator = make_operator()
    site = make_site(operator)
    profile = QuirkProfile.objects.create(name="P", vendor="Acme")
    first, second = (
        make_station(site=site, vendor="Acme", model="One", matched_profile=profile)
        for _number in range(2)
    )
    named = make_station(site=site, vendor="Other", quirk_profile=profile)
    archived = make_station(site=site, vendor="Acme", matched_profile=profile, archived_at=NOW)
    foreign = make_station(vendor="Acme", model="One", matched_profile=profile)
    for station, count in ((first, 2), (second, 5), (named, 1), (archived, 7), (foreign, 100)):
        StationAnomaly.objects.create(
            station=station,
            kind="too_long",
            count=count,
            first_at=NOW,
            last_at=NOW + timedelta(hours=count),
        )
    staff = make_staff(operators=[operator])
    found = [(d.vendor, d.model, d.kind, d.stations, d.total, d.last_at) for d in by_device(staff)]
    assert found == [
        ("Acme", "One", "too_long", 2, 7, NOW + timedelta(hours=5)),
        ("Other", "", "too_long", 1, 1, NOW + timedelta(hours=1)),
    ]
    counted = with_station_counts(QuirkProfile.objects.filter(pk=profile.pk), staff).get()
    assert counted.station_count == 3  # type: ignore[attr-defined]
