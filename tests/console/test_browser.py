"""The console in a real Chromium against the real server: sign-in, movement, inertness, width."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from chargepoints.models import Alert, Command, Station
from chargepoints.services.alerts import raise_alert
from csms.common.clock import now
from ocpp_gateway.models import Message
from tests.console.conftest import World
from tests.ocpp_gateway.servers import GatewayServer, running_server
from tests.support.factories import PASSWORD, one_time_code
from transactions.models import Reading

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        not CHROMIUM, reason="no Chromium on this machine: apt-get install chromium"
    ),
]


@pytest.fixture
def server(transactional_db: None) -> Iterator[GatewayServer]:
    with running_server() as running:
        yield running


@pytest.fixture
def in_database() -> Iterator[Any]:
    """Runs a function outside of the browser driver's event loop, where Django refuses queries."""
    with ThreadPoolExecutor(1) as thread:
        yield lambda function: thread.submit(_and_close, function).result(30)


def _and_close(function: Any) -> Any:
    from django.db import connection

    try:
        return function()
    finally:
        connection.close()


@pytest.fixture
def base(server: GatewayServer) -> str:
    return f"http://127.0.0.1:{server.port}"


@pytest.fixture
def page(world: World, base: str) -> Iterator[Any]:
    """A page that is signed in; a script that ran, or an error in one, fails the test."""
    code = one_time_code(world.staff)
    troubles: list[str] = []

    def dismissed(dialog: Any) -> None:
        troubles.append(dialog.message)
        dialog.dismiss()

    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        opened = browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-GB")
        opened.set_default_timeout(15_000)
        opened.on("dialog", dismissed)
        opened.on("pageerror", lambda error: troubles.append(str(error)))
        opened.on(
            "console",
            lambda said: troubles.append(said.text) if "Content Security" in said.text else None,
        )
        opened.goto(f"{base}/admin/")
        opened.fill("[name=username]", world.staff.email)
        opened.fill("[name=password]", PASSWORD)
        opened.fill("[name=otp_token]", code)
        opened.click("#login-form [type=submit]")
        opened.wait_for_selector("#cs-connection[data-state=live]")
        yield opened
        browser.close()
    assert troubles == []


def fits(page: Any) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_the_dashboard_moves_without_a_reload(world: World, page: Any, in_database: Any) -> None:
    page.evaluate("window.notReloaded = true")
    assert page.inner_text("[data-tile=online]") == "0"
    in_database(lambda: Station.objects.filter(pk=world.ours.pk).update(is_online=True))
    page.wait_for_function("document.querySelector('[data-tile=online]').textContent === '1'")
    assert page.evaluate("window.notReloaded")
    assert "THEIRS" not in page.content()


def test_an_alert_appears_moves_and_goes_without_a_reload(
    world: World, page: Any, in_database: Any
) -> None:
    page.evaluate("window.notReloaded = true")
    assert page.locator("#alerts-card").is_hidden()
    raised = partial(raise_alert, world.ours.pk, Alert.Kind.ANOTHER_DEVICE, at=now())
    in_database(lambda: raised(detail=SCRIPT))
    page.wait_for_selector("#alerts-card:not([hidden]) li")
    assert "OURS-1 · Another device" in page.inner_text("#alerts")
    assert SCRIPT in page.inner_text("#alerts")
    in_database(lambda: raised(detail=""))
    page.wait_for_function("document.querySelector('#alerts').innerText.includes('2 times')")
    assert page.inner_text("[data-tile=alerts]") == "1"
    assert page.evaluate("window.notReloaded")
    page.click("#alerts a")
    page.click("text=Resolve")
    page.fill("[name=reason]", "The main board was replaced")
    page.click("form.cs-once [type=submit]")
    page.wait_for_url("**/admin/chargepoints/alert/")
    assert in_database(lambda: Alert.objects.get().resolution) == "The main board was replaced"


def test_a_lost_connection_is_said_and_comes_back(
    world: World, page: Any, server: GatewayServer
) -> None:
    server.stop()
    page.wait_for_selector("#cs-connection[data-state=lost]")
    assert "Connection lost" in page.inner_text("#cs-connection")
    assert page.locator("#cs.cs-stale").count() == 1


def test_strings_of_chargers_run_nowhere(
    world: World, page: Any, base: str, in_database: Any
) -> None:
    def poison() -> None:
        Station.objects.filter(pk=world.ours.pk).update(vendor=SCRIPT, model=SCRIPT)
        session = world.our_session
        session.id_token_value = SCRIPT
        session.save()
        Message.objects.create(
            at=now(),
            station=world.ours,
            epoch=1,
            direction="IN",
            type="MALFORMED",
            payload=SCRIPT,
            message_id="<b>",
        )

    in_database(poison)
    page.wait_for_function("document.body.innerText.includes('<script>alert(1)')")
    for path in (
        f"/admin/stations/{world.ours.pk}/",
        f"/admin/sessions/{world.our_session.public_id}/",
        "/admin/chargepoints/station/",
        f"/admin/chargepoints/station/{world.ours.pk}/change/",
        "/admin/transactions/session/",
    ):
        page.goto(base + path)
        page.wait_for_function("document.body.innerText.includes('<script>alert(1)')")
    page.goto(f"{base}/admin/stations/{world.ours.pk}/")
    page.click("#frames summary")
    page.wait_for_function("document.querySelector('#frames pre').innerText.includes('onerror')")


def test_a_command_is_sent_from_its_dialog_and_settles_in_view(
    world: World, page: Any, base: str, in_database: Any
) -> None:
    page.goto(f"{base}/admin/stations/{world.ours.pk}/")
    page.wait_for_selector("#cs-connection[data-state=live]")
    page.click(".cs-head-actions [data-open-command]")
    page.select_option("#command-name", "start_charging")
    page.click("form[data-command=start_charging] [type=submit]")
    page.select_option("#start_charging-evse_id, [name=start_charging-evse_id]", "2")
    page.fill("[name=start_charging-id_token]", "CARD1")
    page.fill("[name=start_charging-reason]", "The driver called")
    page.click("form[data-command=start_charging] [type=submit]")
    result = "form[data-command=start_charging] .cs-result"
    page.wait_for_function(f"document.querySelector('{result}').innerText === 'Queued'")

    def answer() -> None:
        Command.objects.update(
            status="ACCEPTED", sent_at=now(), answered_at=now(), message_id="m", action="x"
        )

    in_database(answer)
    page.wait_for_function(f"document.querySelector('{result}').innerText === 'Accepted'")
    assert "The driver called" in page.inner_text("#commands")


def test_the_curve_shows_a_gap_as_a_gap(
    world: World, page: Any, base: str, in_database: Any
) -> None:
    def sample() -> None:
        start = now() - timedelta(hours=1)
        Reading.objects.bulk_create(
            Reading(
                received_at=now(),
                measured_at=start + timedelta(minutes=minute),
                station=world.ours,
                session=world.our_session,
                energy_wh=1000 + 900 * minute,
                power_w=50_000,
                soc_percent=Decimal(20 + minute),
            )
            for minute in (0, 1, 2, 3, 30, 31, 32)
        )

    in_database(sample)
    page.goto(f"{base}/admin/sessions/{world.our_session.public_id}/")
    page.wait_for_selector("#curve svg")
    assert page.locator("#curve path.line.power").count() == 2
    assert page.locator("#curve path.line.soc").count() == 2


def test_pages_fit_a_telephone_in_both_languages(world: World, page: Any, base: str) -> None:
    page.set_viewport_size({"width": 375, "height": 812})
    for language, word in (("th", "ภาพรวม"), ("en", "Dashboard")):
        page.context.add_cookies([{"name": "django_language", "value": language, "url": base}])
        for path in (
            "",
            f"stations/{world.ours.pk}/",
            f"sessions/{world.our_session.public_id}/",
            "chargepoints/station/",
            "transactions/session/",
            "transactions/reviewitem/",
            "chargepoints/alert/",
            "chargepoints/station/add/",
        ):
            page.goto(f"{base}/admin/{path}")
            assert fits(page), (language, path)
        page.goto(f"{base}/admin/")
        assert word in page.title()
