"""Looks at a running demo as a person and a program would: database, health, dashboard, API."""

import http.cookiejar
import json
import os
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from decimal import Decimal
from typing import Any

from django.db.models import Sum

from simulators.seed import ADMIN_EMAIL, one_time_code
from transactions.domain.states import SessionState
from transactions.models import CostLine, Reading, Session

POLL_SECONDS = 0.5


class CheckFailed(AssertionError):
    """What was looked at is not as it must be."""


def expect(condition: object, complaint: str) -> None:
    if not condition:
        raise CheckFailed(complaint)


class Browser:
    """Cookies, forms and JSON over HTTP, as much as the check needs."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self.cookies)
        )

    def open(
        self, path: str, data: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, str, str]:
        """Status, final address and body of `path`; redirects are followed."""
        request = urllib.request.Request(f"{self.base}{path}", data, headers or {})
        try:
            with self.opener.open(request, timeout=15) as answer:
                return answer.status, answer.url, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.url, error.read().decode(errors="replace")

    def submit(self, path: str, fields: dict[str, str]) -> tuple[int, str, str]:
        status, _url, page = self.open(path)
        expect(status == 200, f"GET {path} answered {status}")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        if token is None:
            raise CheckFailed(f"The form at {path} has no CSRF token")
        body = urllib.parse.urlencode({**fields, "csrfmiddlewaretoken": token.group(1)}).encode()
        return self.open(path, body, {"Referer": f"{self.base}{path}"})

    def json(
        self, path: str, *, bearer: str = "", send: dict[str, Any] | None = None
    ) -> tuple[int, Any]:
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if bearer:
            headers["Authorization"] = f"Bearer {bearer}"
        data = None if send is None else json.dumps(send).encode()
        status, _url, body = self.open(path, data, headers)
        try:
            return status, json.loads(body)
        except ValueError as error:
            raise CheckFailed(f"{path} answered {status} without JSON: {body[:200]}") from error


def wait_for_priced_session() -> Session:
    """The first session that is ended, priced and has readings; waits without an end."""
    while True:
        session = (
            Session.objects.filter(
                state=SessionState.ENDED, priced_at__isnull=False, total_gross__gt=0
            )
            .select_related("station")
            .order_by("id")
            .first()
        )
        if session is not None:
            return session
        time.sleep(POLL_SECONDS)


def check_rows(session: Session) -> str:
    """The session's rows agree with each other; what was seen."""
    lines = CostLine.objects.filter(session=session)
    readings = Reading.objects.filter(session=session).count()
    total = lines.aggregate(total=Sum("gross"))["total"]
    expect(session.meter_start_wh is not None, "The session has no start value")
    expect(session.energy_wh > 0, "The session has no energy")
    expect(
        session.energy_wh == (session.meter_stop_wh or 0) - (session.meter_start_wh or 0),
        "Energy is not the difference of the meter values",
    )
    expect(readings >= 2, f"The session has {readings} readings")
    expect(total == session.total_gross, f"Lines sum to {total}, not {session.total_gross}")
    return (
        f"session {session.public_id} at {session.station.identity}: {session.energy_wh} Wh, "
        f"{readings} readings, {lines.count()} cost lines, {session.total_gross} {session.currency}"
    )


def check_health(browser: Browser) -> str:
    status, health = browser.json("/health")
    expect(status == 200, f"/health answered {status}: {health}")
    return f"/health: {health.get('status', 'ok')}"


def check_dashboard(browser: Browser, password: str) -> str:
    status, url, _page = browser.open("/admin/")
    expect("login" in url, f"/admin/ is open to everybody: {status} {url}")
    fields = {"username": ADMIN_EMAIL, "password": password}
    _status, _url, _page = browser.submit("/admin/login/", {**fields, "otp_token": "not-it"})
    _status, url, _page = browser.open("/admin/")
    expect("login" in url, "A wrong one-time code opened the dashboard")
    _status, _url, page = browser.submit(
        "/admin/login/?next=/admin/", {**fields, "otp_token": one_time_code(ADMIN_EMAIL)}
    )
    status, url, page = browser.open("/admin/")
    expect(status == 200, f"/admin/ answered {status}")
    expect("login" not in url, "The login was refused")
    expect("<script" in page and len(page) > 2_000, "The dashboard is empty")
    return f"dashboard: signed in with a one-time code, {len(page)} characters"


def check_summary(browser: Browser, session: Session, email: str, password: str) -> str:
    path = f"/api/transactions/{session.public_id}/summary"
    status, _body = browser.json(path)
    expect(status in (401, 403), f"{path} is open to everybody: {status}")
    status, login = browser.json(
        "/api/admin/auth/login",
        send={"email": email, "password": password, "code": one_time_code(email)},
    )
    expect(status == 200, f"The API's login answered {status}: {login}")
    status, summary = browser.json(path, bearer=login["access"])
    expect(status == 200, f"{path} answered {status}: {summary}")
    expect(summary["energy_wh"] == session.energy_wh, f"The summary has other energy: {summary}")
    expect(
        str(session.total_gross) in json.dumps(summary), f"The summary has another total: {summary}"
    )
    return f"summary: {Decimal(summary['energy_wh']) / 1000} kWh, {session.total_gross} THB"


def staff_password() -> str:
    return os.environ["DEMO_STAFF_PASSWORD"]
