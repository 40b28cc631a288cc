"""Past the second factor, past the browser's own guards, past one's own operators: nobody."""

import json
import re
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.sites import all_sites
from django.core.cache import cache
from django.test import Client, RequestFactory
from django.urls import NoReverseMatch, get_resolver, reverse
from django_otp import DEVICE_ID_SESSION_KEY, devices_for_user
from django_otp_webauthn.models import WebAuthnCredential

from accounts.domain.access import SessionEnd
from accounts.domain.states import Role
from accounts.models import Authenticator, ConsoleSession, User
from accounts.services import console_sessions, invitations, operators, staff
from csms.common import clock
from csms.console.passkeys import CompleteAuthentication
from csms.console.sessions import SESSION_KEY
from tests.api.client import ApiClient
from tests.console.conftest import World, signed_in_client, world
from tests.console.test_scope import foreign
from tests.console.test_sign_in import OPEN_NAMES, all_admin_patterns
from tests.support.factories import (
    PASSWORD,
    make_console_session,
    make_operator,
    make_staff,
    make_superadmin,
    one_time_code,
)

__all__ = ["foreign", "world"]
BACKEND = "accounts.backends.EmailBackend"
LOGIN = "/admin/login/"
pytestmark = pytest.mark.django_db


def is_inside(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def half_in(user: User, **session_values: Any) -> Client:
    """Signed in by password alone, with whatever else the session is made to hold."""
    client = Client()
    client.force_login(user, backend=BACKEND)
    session = client.session
    session.update(session_values)
    session.save()
    return client


class TestT47:
    """Never past the second factor."""

    def test_T47_half_a_session_is_none(self) -> None:
        user, other = make_superadmin(), make_superadmin()
        device = next(devices_for_user(user)).persistent_id
        foreign_device = next(devices_for_user(other)).persistent_id
        pending = Authenticator.objects.create(user=user, name="pending", confirmed=False)
        own, foreign_row = make_console_session(user), make_console_session(other)
        ended = make_console_session(
            user, ended_at=clock.now(), end_reason=SessionEnd.SIGNED_OUT.value
        )
        long_ago = make_console_session(user, at=clock.now() - timedelta(minutes=32))
        attempts: list[dict[str, Any]] = [
            {},
            {DEVICE_ID_SESSION_KEY: device},
            {SESSION_KEY: str(own.pk)},
            {SESSION_KEY: str(own.pk), DEVICE_ID_SESSION_KEY: foreign_device},
            {SESSION_KEY: str(own.pk), DEVICE_ID_SESSION_KEY: pending.persistent_id},
            {SESSION_KEY: str(foreign_row.pk), DEVICE_ID_SESSION_KEY: device},
            {SESSION_KEY: str(ended.pk), DEVICE_ID_SESSION_KEY: device},
            {SESSION_KEY: str(long_ago.pk), DEVICE_ID_SESSION_KEY: device},
            {SESSION_KEY: "x", DEVICE_ID_SESSION_KEY: device},
        ]
        for values in attempts:
            assert not is_inside(half_in(user, **values)), values
        whole = {SESSION_KEY: str(own.pk), DEVICE_ID_SESSION_KEY: device}
        assert is_inside(half_in(user, **whole)), "the attempts fail for what they lack alone"

    def test_T47_a_token_of_the_api_opens_no_page_and_a_session_no_operation(self) -> None:
        user = make_superadmin()
        assert ApiClient.of(user).get("/admin/").status_code == 302
        with_session = signed_in_client(user, ApiClient())
        assert is_inside(with_session)
        assert with_session.get("/api/admin/alerts").status_code == 401
        assert with_session.post("/api/admin/auth/register").status_code == 401

    def test_T47_there_is_no_way_to_reset_a_password_by_mail_and_no_second_admin(self) -> None:
        for name in ("password_reset", "admin_password_reset", "password_reset_confirm"):
            with pytest.raises(NoReverseMatch):
                reverse(name)
        assert [site.name for site in all_sites] == ["admin"]
        prefixes = [str(p.pattern) for p in get_resolver().url_patterns]
        assert [prefix for prefix in prefixes if "admin" in prefix] == ["admin/"]
        for path in ("/otpadmin/", "/django-admin/", "/accounts/login/", "/admin2/"):
            assert Client().get(path).status_code == 404

    def test_T47_a_set_up_link_alone_opens_nothing(self) -> None:
        root = make_superadmin()
        user, _invitation, token = invitations.invite_staff(
            "new@example.com", Role.STAFF, [make_operator()], actor=root, at=clock.now()
        )
        client = Client()
        assert client.post("/admin/set-up/", {"token": token}).status_code == 302
        assert not is_inside(client)
        passwords = {"password": "my-own-long-secret", "password_again": "my-own-long-secret"}
        client.get("/admin/set-up/")
        for code in ("", "000000", "123456", "abcdefgh"):
            answer = client.post("/admin/set-up/", {**passwords, "code": code})
            assert answer.status_code == 400, code
            assert not is_inside(client)
        user.refresh_from_db()
        assert not user.has_usable_password()
        assert not list(devices_for_user(user)), "the authenticator of the page does not count yet"

    def test_T47_a_renewed_second_factor_ends_what_the_old_one_opened(self) -> None:
        root, user = make_superadmin(), make_staff(operators=[make_operator()])
        client, old_code = signed_in_client(user), staff.create_backup_codes(user)[0]
        api = ApiClient.of(user)
        WebAuthnCredential.objects.create(
            user=user, name="laptop", credential_id=b"1", public_key=b"1", sign_count=0
        )
        assert is_inside(client)
        invitations.renew_access(user, actor=root, at=clock.now())
        assert not is_inside(client)
        assert api.get("/api/admin/alerts").status_code == 401
        user.refresh_from_db()
        assert not staff.verify_code(user, old_code)
        assert not WebAuthnCredential.objects.exists()
        assert not user.check_password(PASSWORD)

    def test_T47_a_backup_code_that_was_used_anywhere_is_used_everywhere(self) -> None:
        user = make_staff(operators=[make_operator()])
        code = staff.create_backup_codes(user)[0]
        body = {"email": user.email, "password": PASSWORD, "code": code}
        ApiClient().call("post", "/api/admin/auth/login", body, expect=200)
        cache.clear()
        form = {"username": user.email, "password": PASSWORD, "otp_token": code}
        client = Client()
        assert client.post(LOGIN, form).status_code == 200
        assert not is_inside(client)
        inside = signed_in_client(user)
        inside.post("/admin/security/confirm/", {"code": code})
        assert ConsoleSession.objects.get(user=user).confirmed_at is None
        ApiClient().call("post", "/api/admin/auth/login", body, expect=401)

    def test_T47_passkeys_are_added_only_by_who_gave_a_code_just_now(self) -> None:
        user = make_superadmin()
        half, client = half_in(user), signed_in_client(user)
        for path in ("/admin/passkeys/add/begin/", "/admin/passkeys/add/complete/"):
            assert half.post(path, {}, content_type="application/json").status_code == 302
            refused = client.post(path, {}, content_type="application/json")
            assert (refused.status_code, refused.json()["code"]) == (403, "not_confirmed")
        session = ConsoleSession.objects.get(user=user)
        console_sessions.confirm(session, clock.now() - timedelta(minutes=11))
        begin = partial(client.post, "/admin/passkeys/add/begin/", {}, "application/json")
        assert begin().status_code == 403
        console_sessions.confirm(session, clock.now())
        begun = begin()
        options = begun.json()
        assert options["authenticatorSelection"]["userVerification"] == "required"
        assert options["rp"]["id"] == "localhost"

    def test_T47_a_passkey_ceremony_that_was_not_begun_or_is_garbage_opens_nothing(self) -> None:
        client = Client()
        path = "/admin/passkeys/sign-in/complete/"
        begin = partial(client.post, "/admin/passkeys/sign-in/begin/", {}, "application/json")
        for body in ("{}", "[]", "1", '"x"', "{", "\udcff", "[" * 100_000, '{"id": "x"}'):
            raw = body.encode("utf-8", "surrogateescape")
            answer = client.post(path, raw, content_type="application/json")
            assert answer.status_code in (400, 422), body[:20]
            assert begin().status_code == 200
            answer = client.post(path, raw, content_type="application/json")
            assert answer.status_code in (400, 404, 422), body[:20]
            again = client.post(path, raw, content_type="application/json")
            assert again.status_code == 400, "a challenge counts once"
        begun = begin().json()
        assert begun["userVerification"] == "required"
        assert not begun.get("allowCredentials")
        assert not is_inside(client)


class TestT48:
    """What a browser must not be made to do."""

    def test_T48_every_post_needs_the_token_of_the_page(self) -> None:
        client = signed_in_client(make_superadmin(), Client(enforce_csrf_checks=True))
        paths = [*all_admin_patterns(), *(reverse(f"admin:{name}") for name in OPEN_NAMES)]
        assert len(paths) > 130
        for path in paths:
            foreign_origin: dict[str, Any] = {"HTTP_ORIGIN": "https://evil.example"}
            for headers in ({}, foreign_origin):
                answer = client.post(path, {"post": "yes"}, **headers)
                assert answer.status_code == 403, path
        assert is_inside(client), "nothing of it has signed the person out"

    def test_T48_no_page_can_be_framed(self) -> None:
        client = signed_in_client(make_superadmin())
        seen = 0
        paths = [*all_admin_patterns(), LOGIN, "/admin/set-up/"]
        for path in paths:
            answer = client.get(path)
            assert answer["X-Frame-Options"] == "DENY", path
            assert "frame-ancestors 'none'" in answer["Content-Security-Policy"], path
            seen += answer.status_code == 200
        assert seen > 40

    @pytest.mark.parametrize(
        "target",
        [
            "https://evil.example/",
            "//evil.example/",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "javascript:alert(1)",
            "http:evil.example",
            " https://evil.example",
            "https://testserver@evil.example/",
        ],
    )
    def test_T48_no_sign_in_leads_to_another_host(self, target: str) -> None:
        user = make_superadmin("root@example.com")
        form = {"username": user.email, "password": PASSWORD, "otp_token": one_time_code(user)}
        client = Client()
        answer = client.post(f"{LOGIN}?next={target}", {**form, "next": target})
        assert answer.status_code == 302
        assert is_own(answer["Location"])
        answer = client.post("/admin/language/", {"language": "en", "next": target})
        assert is_own(answer["Location"])
        view = CompleteAuthentication()
        view.request = RequestFactory().post("/admin/passkeys/sign-in/complete/")
        view.request.GET = {"next": target}
        assert view.get_success_url() == "/admin/"
        view.request.GET = {"next": "/admin/chargepoints/station/"}
        assert view.get_success_url() == "/admin/chargepoints/station/"
        answer = client.post("/admin/logout/", {"next": target})
        assert is_own(answer.headers.get("Location", "/"))


def is_own(location: str) -> bool:
    return re.match(r"^/(?![/\\])", location) is not None


# What names the other operator's rows in `tests.console`, in any list, choice or answer.
FOREIGN_MARKS = ("Their", "THEIRS", "theirs", "FOREIGN")


class TestT50:
    """Staff of one operator see zero rows of another."""

    def test_T50_no_list_filter_form_or_palette_names_them(
        self, world: World, foreign: list[Any]
    ) -> None:
        client = signed_in_client(world.staff)
        marks = [*FOREIGN_MARKS, str(world.their_session.public_id)]
        paths = ["/admin/", "/admin/deviations/", "/admin/security/"]
        paths += [f"/admin/search/?extended=1&s={term}" for term in (*marks, "CARD1", "ours")]
        for model in admin.site._registry:
            prefix = f"admin:{model._meta.app_label}_{model._meta.model_name}"
            paths += [reverse(f"{prefix}_changelist"), reverse(f"{prefix}_add")]
        seen = 0
        for path in paths:
            answer = client.get(path)
            assert answer.status_code in (200, 403), path
            html = answer.content.decode().replace("FOREIGN_TRANSACTION", "")  # a kind of review
            html = html.replace(path.partition("s=")[2] or "-", "")
            seen += answer.status_code == 200
            for mark in marks:
                assert mark not in html, (path, mark)
        assert seen > 40

    def test_T50_no_filter_or_search_reaches_them(self, world: World, foreign: list[Any]) -> None:
        client = signed_in_client(world.staff)
        for row in foreign:
            prefix = f"admin:{row._meta.app_label}_{row._meta.model_name}"
            for query in (
                {"q": str(row.pk)},
                {"q": str(row)},
                {"pk__exact": str(row.pk)},
                {"station__id__exact": str(world.theirs.pk)},
                {"operator__id__exact": str(world.other_operator.pk)},
                {"station__site__operator__id__exact": str(world.other_operator.pk)},
            ):
                answer = client.get(reverse(f"{prefix}_changelist"), query)
                assert answer.status_code in (200, 302, 400, 403), (row, query)
                if answer.status_code == 200:
                    shown = [found.pk for found in answer.context["cl"].result_list]
                    assert row.pk not in shown, (row, query)

    def test_T50_no_autocomplete_offers_them(self, world: World, foreign: list[Any]) -> None:
        client, asked = signed_in_client(world.staff), 0
        request = RequestFactory().get("/")
        request.user = world.staff
        for model, model_admin in admin.site._registry.items():
            for field in model_admin.get_autocomplete_fields(request):
                for term in ("", "their", "THEIRS-1", "FOREIGN"):
                    answer = client.get(
                        "/admin/autocomplete/",
                        {
                            "app_label": model._meta.app_label,
                            "model_name": str(model._meta.model_name),
                            "field_name": field,
                            "term": term,
                        },
                    )
                    asked += 1
                    assert answer.status_code in (200, 403)
                    text = json.dumps(answer.json()) if answer.status_code == 200 else ""
                    assert not any(mark in text for mark in FOREIGN_MARKS), (model, field)
        assert asked >= 8

    def test_T50_no_history_tells_of_them(self, world: World, foreign: list[Any]) -> None:
        root = signed_in_client(world.superadmin)
        station = world.theirs
        root.post(reverse("admin:chargepoints_station_archive", args=[station.pk]))
        client = signed_in_client(world.staff)
        for row in foreign:
            prefix = f"admin:{row._meta.app_label}_{row._meta.model_name}"
            answer = client.get(reverse(f"{prefix}_history", args=[row.pk]), follow=True)
            assert answer.status_code == 200, row
            assert list(answer.context["cl"].result_list) == [], row

    def test_T50_no_export_of_the_api_holds_them(self, world: World, foreign: list[Any]) -> None:
        client = ApiClient.of(world.staff)
        for accept in ("application/json", "text/csv"):
            for path in (
                "/transactions",
                "/charge-points",
                "/connections",
                "/api/admin/alerts",
                "/api/admin/chargepoints/OURS-1/messages",
            ):
                answer = client.get(path, HTTP_ACCEPT=accept)
                assert answer.status_code == 200, path
                text = b"".join(answer) if answer.streaming else answer.content
                assert not any(mark in text.decode() for mark in FOREIGN_MARKS), path
            foreign_path = "/api/admin/chargepoints/THEIRS-1/messages"
            assert client.get(foreign_path, HTTP_ACCEPT=accept).status_code == 404

    def test_T50_an_operator_that_was_closed_is_foreign_to_its_own_staff(
        self, world: World
    ) -> None:
        client, api = signed_in_client(world.staff), ApiClient.of(world.staff)
        operators.set_active(world.operator, False, actor=world.superadmin)
        assert not is_inside(client)
        assert api.get("/charge-points").status_code == 401
        fresh = ApiClient.of(world.staff)
        assert fresh.json("get", "/charge-points", expect=200)["results"] == []
