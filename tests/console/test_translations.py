"""Nothing that people read is left in one language."""

import gettext
import json
import re
from collections.abc import Callable
from enum import StrEnum

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import LoginAttempt, User
from chargepoints.domain.maintenance import JobKind, JobState
from chargepoints.domain.security import RequestState
from chargepoints.domain.states import CommandStatus, ProfileState
from chargepoints.models import CertificateRequest
from csms.common.clock import now
from csms.common.state_names import labelled
from tests.console.conftest import World
from transactions.domain.states import ReservationState, SessionState

ENTRY = re.compile(
    r'^msgid ((?:".*"\n)+)(?:msgid_plural (?:".*"\n)+)?msgstr(?:\[0\])? ((?:".*"\n)+)', re.M
)
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")


def text(lines: str) -> str:
    parts = [line[1:-1] for line in lines.strip().split("\n")]
    return "".join(parts).replace(r"\"", '"').replace(r"\n", "\n")


def thai_entries() -> list[tuple[str, str]]:
    source = (settings.BASE_DIR / "locale/th/LC_MESSAGES/django.po").read_text()
    return [(text(found[1]), text(found[2])) for found in ENTRY.finditer(source)][1:]


def test_every_string_has_a_thai_text_with_the_same_placeholders() -> None:
    entries = thai_entries()
    assert len(entries) > 600
    for english, thai in entries:
        assert thai, english
        assert set(PLACEHOLDER.findall(english)) == set(PLACEHOLDER.findall(thai)), english


def test_the_compiled_catalogue_is_the_source() -> None:
    with (settings.BASE_DIR / "locale/th/LC_MESSAGES/django.mo").open("rb") as compiled:
        catalogue = gettext.GNUTranslations(compiled)
    for english, thai in thai_entries():
        if "more problem" not in english:
            assert catalogue.gettext(english) == thai, "compile it: manage.py compilemessages"


@pytest.mark.django_db
def test_the_language_is_switched_on_the_page(
    world: World, sign_in: Callable[[User], Client]
) -> None:
    client = sign_in(world.staff)
    assert "Stations online" in client.get("/admin/").content.decode()
    client.post("/admin/language/", {"language": "th", "next": "/admin/"})
    html = client.get("/admin/").content.decode()
    assert "สถานีออนไลน์" in html
    assert "Stations online" not in html


@pytest.mark.parametrize(
    "codes",
    [SessionState, ReservationState, CommandStatus, RequestState, JobState, JobKind, ProfileState],
)
def test_every_state_of_a_list_has_a_name(codes: type[StrEnum]) -> None:
    for code in codes:
        assert labelled(code)[1] != code


@pytest.mark.django_db
def test_states_are_shown_by_name_with_a_colour_or_without(
    world: World, sign_in: Callable[[User], Client]
) -> None:
    for number, state in enumerate(("SUPERSEDED", "REFUSED")):
        CertificateRequest.objects.create(
            station=world.ours, csr=f"{number}", state=state, received_at=now()
        )
    client = sign_in(world.staff)
    client.post("/admin/language/", {"language": "th", "next": "/admin/"})
    html = client.get("/admin/chargepoints/certificaterequest/").content.decode()
    assert "ถูกแทนด้วยรายการใหม่" in html
    assert "ไม่รับ" in html


@pytest.mark.django_db
def test_one_attempt_shows_what_became_of_it(
    world: World, sign_in: Callable[[User], Client]
) -> None:
    row = LoginAttempt.objects.create(at=now(), channel="APP", outcome="NOT_VERIFIED")
    client = sign_in(world.superadmin)
    html = client.get(f"/admin/accounts/loginattempt/{row.pk}/change/").content.decode()
    assert "address not verified" in html
    assert "NOT_VERIFIED&#x27;" not in html


@pytest.mark.django_db
def test_the_scripts_of_the_admin_speak_thai(
    world: World, sign_in: Callable[[User], Client]
) -> None:
    client = sign_in(world.superadmin)
    client.post("/admin/language/", {"language": "th", "next": "/admin/"})
    script = client.get("/admin/jsi18n/").content.decode()
    assert json.dumps("(คลิกเพื่อล้าง)") in script


@pytest.mark.django_db
def test_the_sign_in_page_speaks_the_browsers_language(client: Client) -> None:
    html = client.get("/admin/login/", headers={"accept-language": "th"}).content.decode()
    assert "รหัสใช้ครั้งเดียว" in html
    assert 'lang="th"' in html
