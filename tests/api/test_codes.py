"""T46 and T8: codes are guessed, replayed, raced and asked for by the thousand; caches vanish."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client

from accounts.models import User, Verification
from csms.common.api import throttling
from csms.common.sms import MemorySms
from tests.api.client import ApiClient
from tests.support.account_messages import code_sent_to, deliver, empty_outboxes, written_to
from tests.support.factories import PASSWORD, make_driver
from tests.support.moving_clock import MovingClock
from tests.support.threads import in_threads

pytestmark = pytest.mark.django_db
EMAIL, PHONE = "somchai@example.com", "+66812345678"
REGISTER, VERIFY = "/api/auth/register", "/api/auth/verify"


@pytest.fixture(autouse=True)
def _outboxes() -> Iterator[None]:
    with empty_outboxes():
        yield


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> MovingClock:
    return MovingClock(monkeypatch)


def register(network: str = "10.0.0.1", **body: str) -> Any:
    full = {"password": PASSWORD, **(body or {"phone": PHONE})}
    return ApiClient().call("post", REGISTER, full, REMOTE_ADDR=network)


def asked(network: str = "10.0.0.1", **body: str) -> str:
    response = register(network, **body)
    assert response.status_code == 202, response.content
    return str(json.loads(response.content)["verification_id"])


def enter(verification_id: str, code: str) -> int:
    body = {"verification_id": verification_id, "code": code}
    status: int = ApiClient().call("post", VERIFY, body).status_code
    return status


def wrong(code: str, number: int = 1) -> str:
    return f"{(int(code) + number) % 1_000_000:06}"


class TestGuessing:
    def test_T46_five_wrong_tries_void_the_code(self, at: MovingClock) -> None:
        request = asked()
        code = code_sent_to(PHONE)
        assert [enter(request, wrong(code, n)) for n in range(1, 6)] == [400] * 5
        assert enter(request, code) == 400
        assert Verification.objects.get().failures == 5
        assert not User.objects.exists()

    def test_T46_four_do_not(self, at: MovingClock) -> None:
        request = asked()
        code = code_sent_to(PHONE)
        for number in range(1, 5):
            enter(request, wrong(code, number))
        assert enter(request, code) == 200

    def test_T46_a_code_works_once_and_for_five_minutes(self, at: MovingClock) -> None:
        request = asked()
        code = code_sent_to(PHONE)
        at.forward(minutes=4, seconds=59)
        assert enter(request, code) == 200
        assert enter(request, code) == 400
        late = asked("10.0.0.2", email=EMAIL)
        code = code_sent_to(EMAIL)
        at.forward(minutes=5)
        assert enter(late, code) == 400

    def test_T46_the_life_of_a_code_begins_when_it_is_sent(self, at: MovingClock) -> None:
        request = asked()
        at.forward(minutes=3)
        code = code_sent_to(PHONE)
        at.forward(minutes=4)
        assert enter(request, code) == 200

    @pytest.mark.parametrize("code", ["", "12345", "1234567", "12345a", "๑๒๓๔๕๖", None])
    def test_what_is_no_code_is_no_try(self, at: MovingClock, code: Any) -> None:
        request = asked()
        deliver()
        assert enter(request, code) == 400
        assert Verification.objects.get().failures == 0

    def test_an_unknown_request_is_a_wrong_code(self) -> None:
        assert enter(str(UUID(int=1)), "123456") == 400

    def test_before_it_is_sent_no_code_is_right(self, at: MovingClock) -> None:
        request = asked()
        assert [enter(request, code) for code in ("000000", "123456")] == [400, 400]

    @pytest.mark.django_db(transaction=True)
    def test_T46_twenty_guesses_at_once_are_five(self) -> None:
        request = asked()
        code = code_sent_to(PHONE)

        def guess(number: int) -> int:
            body = {"verification_id": request, "code": wrong(code, number + 1)}
            return Client().post(VERIFY, body, "application/json").status_code

        assert in_threads(20, guess) == [400] * 20
        assert Verification.objects.get().failures == 5
        assert enter(request, code) == 400

    @pytest.mark.django_db(transaction=True)
    def test_T46_the_right_code_twenty_times_at_once_works_once(self) -> None:
        request = asked()
        code = code_sent_to(PHONE)

        def try_it(_number: int) -> int:
            body = {"verification_id": request, "code": code}
            return Client().post(VERIFY, body, "application/json").status_code

        assert sorted(in_threads(20, try_it)) == [200] + [400] * 19
        assert User.objects.count() == 1


class TestLimits:
    def test_T46_one_a_minute_five_an_hour_ten_a_day_for_a_number(self, at: MovingClock) -> None:
        sent = []
        for minute in range(26 * 60):
            response = register(f"10.{minute // 250}.{minute % 250}.1")
            sent.extend([minute] if response.status_code == 202 else [])
            at.forward(minutes=1)
        assert sent == [
            0,
            1,
            2,
            3,
            4,
            60,
            61,
            62,
            63,
            64,
            1440,
            1441,
            1442,
            1443,
            1444,
            1500,
            1501,
            1502,
            1503,
            1504,
        ]

    def test_T46_within_a_minute_it_is_said_when(self, at: MovingClock) -> None:
        asked()
        at.forward(seconds=20)
        response = register("10.0.0.2")
        assert (response.status_code, response["Retry-After"]) == (429, "40")
        at.forward(seconds=40)
        assert register("10.0.0.2").status_code == 202

    def test_T46_a_network_is_limited_whatever_the_number(
        self, at: MovingClock, settings: Any
    ) -> None:
        settings.CODE_RATES_NETWORK = ((2, 60), (5, 3600), (10, 86400))
        statuses = []
        for number in range(12):
            cache.clear()
            at.forward(minutes=61 if number % 5 == 0 else 1)
            statuses.append(
                register(f"2001:db8::{number:x}", phone=f"08123456{number:02}").status_code
            )
        assert statuses == [202] * 10 + [429] * 2
        assert register("2001:db8:0:1::1", phone="0899999999").status_code == 202

    def test_T46_a_carriers_address_is_many_people(self, at: MovingClock) -> None:
        """As the settings are: 20 in a minute, of which the next one says when to come back."""
        for number in range(20):
            cache.clear()
            assert register("10.0.0.1", phone=f"08123456{number:02}").status_code == 202
        cache.clear()
        refused = register("10.0.0.1", phone="0899999999")
        assert (refused.status_code, refused["Retry-After"]) == (429, "60")
        assert register("10.0.0.2", phone="0899999999").status_code == 202

    def test_T46_a_forwarded_address_without_a_proxy_changes_nothing(
        self, at: MovingClock, settings: Any
    ) -> None:
        settings.CODE_RATES_NETWORK = ((1, 60),)
        statuses = [
            ApiClient()
            .call(
                "post",
                REGISTER,
                {"phone": f"081234567{number}", "password": PASSWORD},
                HTTP_X_FORWARDED_FOR=f"192.0.2.{number}",
            )
            .status_code
            for number in range(2)
        ]
        assert statuses == [202, 429]

    @pytest.mark.parametrize("channel", ["SMS", "EMAIL"])
    def test_T46_there_is_a_cap_for_everybody(
        self, at: MovingClock, settings: Any, channel: str
    ) -> None:
        """SMS pumping: each request from elsewhere and for another number."""
        setattr(settings, f"CODE_RATES_{channel}", ((3, 3600), (5, 86400)))
        statuses = []
        for hour in range(3):
            for number in range(4):
                who = (
                    {"phone": f"08123456{hour}{number}"}
                    if channel == "SMS"
                    else {"email": f"a{hour}{number}@example.com"}
                )
                statuses.append(register(f"10.{hour}.{number}.1", **who).status_code)
            deliver()
            at.forward(hours=1)
        assert statuses == [202, 202, 202, 429, 202, 202, 429, 429, 429, 429, 429, 429]
        assert len(MemorySms.outbox) + len(mail.outbox) == 5

    def test_T46_what_is_sent_to_nobody_counts_as_well(self, at: MovingClock) -> None:
        path = "/api/auth/password-reset"
        first = ApiClient().call("post", path, {"email": EMAIL}, REMOTE_ADDR="10.0.0.1")
        second = ApiClient().call("post", path, {"email": EMAIL}, REMOTE_ADDR="10.0.0.2")
        assert (first.status_code, second.status_code) == (202, 429)

    def test_T46_sending_again_counts_and_voids_the_first(self, at: MovingClock) -> None:
        request = asked()
        first = code_sent_to(PHONE)
        path = "/api/auth/verification-codes"
        body = {"verification_id": request}
        assert ApiClient().call("post", path, body, REMOTE_ADDR="10.0.0.2").status_code == 429
        at.forward(minutes=1)
        again = ApiClient().json("post", path, body, REMOTE_ADDR="10.0.0.2", expect=202)
        assert enter(request, first) == 400
        assert enter(again["verification_id"], code_sent_to(PHONE)) == 200
        at.forward(minutes=1)
        for stale in (request, again["verification_id"], str(UUID(int=1))):
            response = ApiClient().call(
                "post", path, {"verification_id": stale}, REMOTE_ADDR="10.0.0.3"
            )
            assert response.status_code == 400

    def test_T46_nor_does_sending_again_tell_anything(self, at: MovingClock) -> None:
        reset = "/api/auth/password-reset"
        make_driver(EMAIL)
        path = "/api/auth/verification-codes"
        answers = []
        for number, address in enumerate((EMAIL, "nobody@example.com")):
            body = {"email": address}
            first = ApiClient().json(
                "post", reset, body, REMOTE_ADDR=f"10.0.{number}.1", expect=202
            )
            at.forward(minutes=1)
            second = ApiClient().json(
                "post",
                path,
                {"verification_id": first["verification_id"]},
                REMOTE_ADDR=f"10.0.{number}.1",
                expect=202,
            )
            answers.append(set(second))
        assert answers[0] == answers[1]
        assert len(written_to(EMAIL)) >= 1
        assert not written_to("nobody@example.com")

    @pytest.mark.django_db(transaction=True)
    def test_T46_twenty_requests_at_once_are_one(self) -> None:
        def ask(number: int) -> int:
            body = {"phone": PHONE, "password": PASSWORD}
            return (
                Client()
                .post(REGISTER, body, "application/json", REMOTE_ADDR=f"10.0.{number}.1")
                .status_code
            )

        assert sorted(in_threads(20, ask)) == [202] + [429] * 19
        assert Verification.objects.count() == 1

    def test_T8_an_emptied_cache_opens_nothing(self, at: MovingClock) -> None:
        for network in range(5):
            asked(f"10.0.{network}.1")
            at.forward(minutes=1)
        cache.clear()
        assert register("10.0.9.1").status_code == 429
        request = Verification.objects.first()
        assert request is not None
        code = code_sent_to(PHONE)
        for number in range(1, 6):
            cache.clear()
            enter(str(request.pk), wrong(code, number))
        cache.clear()
        assert enter(str(request.pk), code) == 400

    def test_T8_a_cache_that_is_away_opens_nothing(
        self, at: MovingClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Away:
            def add(self, *_args: Any, **_options: Any) -> None:
                raise ConnectionError("cache away")

        monkeypatch.setattr(throttling, "cache", Away())
        monkeypatch.setattr(throttling, "counter", throttling.HitCounter())
        asked()
        assert register("10.0.0.2").status_code == 429

    def test_T8_lockouts_outlive_the_cache(self) -> None:
        make_driver(EMAIL)
        statuses = []
        for number in range(6):
            cache.clear()
            body = {"email": EMAIL, "password": "wrong-password-1"}
            response = ApiClient().call(
                "post", "/api/auth/login", body, REMOTE_ADDR=f"10.0.{number}.1"
            )
            statuses.append(response.status_code)
        assert statuses == [401] * 4 + [429] * 2
