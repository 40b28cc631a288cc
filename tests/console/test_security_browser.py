"""Set-up by a link and passkeys in a real Chromium, with an authenticator of the browser's own."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from accounts.domain.states import Role
from accounts.models import Authenticator, LoginAttempt, User
from accounts.services.invitations import invite_staff
from accounts.services.set_up_links import set_up_url
from csms.common.clock import now
from tests.console.conftest import World
from tests.console.test_browser import (
    CHROMIUM,
    FLAGS,
    fits,
    in_database,
    playwright,
    pytestmark,
    server,
)
from tests.ocpp_gateway.servers import GatewayServer
from tests.support.factories import PASSWORD, one_time_code

__all__ = ["in_database", "pytestmark", "server"]
VIRTUAL_AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


class Visit:
    """A browser with an authenticator of its own, at `localhost`: passkeys need a name."""

    def __init__(self, driver: Any, base: str) -> None:
        self.base = base
        self.troubles: list[str] = []
        self.browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        self.context = self.browser.new_context(
            viewport={"width": 1440, "height": 900}, locale="en-GB"
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("console", self._said)
        self.devtools = self.context.new_cdp_session(self.page)
        self.devtools.send("WebAuthn.enable")
        answer = self.devtools.send(
            "WebAuthn.addVirtualAuthenticator", {"options": VIRTUAL_AUTHENTICATOR}
        )
        self.authenticator: str = answer["authenticatorId"]

    def _said(self, said: Any) -> None:
        if "Content Security" in said.text:
            self.troubles.append(said.text)

    def verifies_the_person(self, is_verified: bool) -> None:
        self.devtools.send(
            "WebAuthn.setUserVerified",
            {"authenticatorId": self.authenticator, "isUserVerified": is_verified},
        )

    def credentials(self) -> list[dict[str, Any]]:
        answer = self.devtools.send(
            "WebAuthn.getCredentials", {"authenticatorId": self.authenticator}
        )
        found: list[dict[str, Any]] = answer["credentials"]
        return found

    def sign_in(self, email: str, code: str) -> None:
        self.page.goto(f"{self.base}/admin/")
        self.page.fill("[name=username]", email)
        self.page.fill("[name=password]", PASSWORD)
        self.page.fill("[name=otp_token]", code)
        self.page.click("#login-form [type=submit]")
        self.page.wait_for_selector("#cs-connection")

    def sign_out(self) -> None:
        self.context.clear_cookies()


@pytest.fixture
def visit(server: GatewayServer) -> Iterator[Visit]:
    with playwright.sync_playwright() as driver:
        opened = Visit(driver, f"http://localhost:{server.port}")
        yield opened
        opened.browser.close()
    assert opened.troubles == []


def code_of(user: User) -> Callable[[], str]:
    """The next code: the one before may have been used up, so its period is forgotten."""

    def read() -> str:
        Authenticator.objects.filter(user=user).update(last_period=-1)
        return one_time_code(user)

    return read


def add_passkey(visit: Visit, user: User, in_database: Any, name: str = "My laptop") -> None:
    page = visit.page
    page.goto(f"{visit.base}/admin/security/")
    page.fill("#code", in_database(code_of(user)))
    page.click("form[action$='/confirm/'] [type=submit]")
    page.wait_for_selector("#passkey-add [type=submit]:not([disabled])")
    page.fill("#passkey-name", name)
    with page.expect_navigation():
        page.click("#passkey-add [type=submit]")
    page.wait_for_selector(f"#security td:has-text('{name}')")


def test_a_passkey_is_added_signs_in_and_is_removed(
    world: World, visit: Visit, in_database: Any
) -> None:
    user, page = world.staff, visit.page
    visit.sign_in(user.email or "", in_database(code_of(user)))
    page.goto(f"{visit.base}/admin/security/")
    assert page.locator("#passkey-add [type=submit]").is_disabled(), "a code is needed first"
    add_passkey(visit, user, in_database)
    assert [known["isResidentCredential"] for known in visit.credentials()] == [True]

    visit.sign_out()
    page.goto(f"{visit.base}/admin/chargepoints/station/")
    page.click("#passkey-sign-in [type=submit]")
    page.wait_for_url(f"{visit.base}/admin/chargepoints/station/")
    assert "OURS-1" in page.inner_text("#content")
    newest = in_database(lambda: LoginAttempt.objects.values("channel", "outcome", "username")[0])
    assert newest == {"channel": "PASSKEY", "outcome": "SUCCEEDED", "username": user.email}

    # Removing the passkey that signed in ends what it had opened.
    page.goto(f"{visit.base}/admin/security/")
    page.fill("#code", in_database(code_of(user)))
    page.click("form[action$='/confirm/'] [type=submit]")
    page.wait_for_selector("tr:has-text('My laptop') button:not([disabled])")
    page.click("tr:has-text('My laptop') button")
    page.wait_for_selector("#login-form")
    page.click("#passkey-sign-in [type=submit]")
    page.wait_for_selector("#passkey-sign-in [role=alert]:not([hidden])")


def test_a_passkey_opens_nothing_without_its_person_or_their_access(
    world: World, visit: Visit, in_database: Any
) -> None:
    user, page = world.staff, visit.page
    visit.sign_in(user.email or "", in_database(code_of(user)))
    add_passkey(visit, user, in_database)
    visit.sign_out()

    visit.verifies_the_person(False)
    page.goto(f"{visit.base}/admin/")
    page.click("#passkey-sign-in [type=submit]")
    page.wait_for_selector("#passkey-sign-in [role=alert]:not([hidden])")
    assert "Use your password and a code" in page.inner_text("#passkey-sign-in [role=alert]")

    visit.verifies_the_person(True)
    in_database(lambda: User.objects.filter(pk=user.pk).update(is_active=False))
    page.goto(f"{visit.base}/admin/")
    page.click("#passkey-sign-in [type=submit]")
    page.wait_for_selector("#passkey-sign-in [role=alert]:not([hidden])")
    page.goto(f"{visit.base}/admin/")
    assert "Sign in" in page.title()
    assert in_database(lambda: LoginAttempt.objects.values("outcome")[0]) != {
        "outcome": "SUCCEEDED"
    }


def test_a_set_up_link_leads_inside_and_works_once(
    world: World, visit: Visit, in_database: Any
) -> None:
    def invite() -> str:
        _user, _invitation, token = invite_staff(
            "new@example.com", Role.STAFF, [world.operator], actor=world.superadmin, at=now()
        )
        return set_up_url(token)

    page = visit.page
    link = visit.base + in_database(invite).partition(":8000")[2]
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    page.goto(link)
    page.wait_for_selector("#set-up-form")
    assert "new@example.com" in page.inner_text("body")
    token = link.partition("#")[2]
    assert page.url == f"{visit.base}/admin/set-up/"
    assert not [url for url in seen if token in url.partition("#")[0]], "no server sees the token"
    page.set_viewport_size({"width": 375, "height": 812})
    assert fits(page)

    def pending_code() -> str:
        from django_otp.oath import totp

        device = Authenticator.objects.get(user__email="new@example.com", confirmed=False)
        return f"{totp(device.key):06}"

    page.fill("[name=password]", "my-own-long-secret")
    page.fill("[name=password_again]", "my-own-long-secret")
    page.fill("[name=code]", in_database(pending_code))
    page.click("#set-up-form [type=submit]")
    page.wait_for_selector("text=backup codes >> nth=0")
    assert len(page.inner_text(".cs-secret").split()) == 10
    page.click("text=Done")
    page.wait_for_selector("#cs-connection")

    visit.sign_out()
    page.goto("about:blank")
    page.goto(link)
    page.wait_for_selector("[role=alert]")
    assert "used already or has expired" in page.inner_text("[role=alert]")


def test_ending_a_session_in_one_browser_ends_it_in_the_other(
    world: World, visit: Visit, in_database: Any
) -> None:
    user, page = world.staff, visit.page
    visit.sign_in(user.email or "", in_database(code_of(user)))
    other = visit.browser.new_context(locale="en-GB").new_page()
    other.goto(f"{visit.base}/admin/")
    other.fill("[name=username]", user.email or "")
    other.fill("[name=password]", PASSWORD)
    other.fill("[name=otp_token]", in_database(code_of(user)))
    other.click("#login-form [type=submit]")
    other.wait_for_selector("#cs-connection[data-state=live]")

    page.goto(f"{visit.base}/admin/security/")
    page.click("form[action*='/security/sessions/'][action$='/end/'] button")
    page.wait_for_selector("text=The session is ended.")
    other.goto(f"{visit.base}/admin/")
    assert "Sign in" in other.title()


def test_security_pages_fit_a_telephone_in_both_languages(
    world: World, visit: Visit, in_database: Any
) -> None:
    user, page = world.superadmin, visit.page
    visit.sign_in(user.email or "", in_database(code_of(user)))
    page.set_viewport_size({"width": 375, "height": 812})
    for language, word in (("th", "ความปลอดภัย"), ("en", "security")):
        page.context.add_cookies(
            [{"name": "django_language", "value": language, "url": visit.base}]
        )
        for path in (
            "security/",
            "accounts/loginattempt/",
            "accounts/consolesession/",
            "accounts/staffinvitation/",
            "accounts/apikey/",
            "accounts/apikey/add/",
            "accounts/user/add/",
        ):
            page.goto(f"{visit.base}/admin/{path}")
            assert fits(page), (language, path)
        page.goto(f"{visit.base}/admin/security/")
        assert word in page.title()
