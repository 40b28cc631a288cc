"""Passkeys: signing in with one replaces password and code, since the device checks the person.

The ceremonies are those of django-otp-webauthn. Ours are: the person is always verified by the
authenticator (PIN, finger, face), only staff with access come in, and a new passkey needs a code.
"""

import json
import time
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django_otp_webauthn import exceptions
from django_otp_webauthn.helpers import WebAuthnHelper
from django_otp_webauthn.models import AbstractWebAuthnCredential, WebAuthnCredential
from django_otp_webauthn.views import (
    BeginCredentialAuthenticationView,
    BeginCredentialRegistrationView,
    CompleteCredentialAuthenticationView,
    CompleteCredentialRegistrationView,
)
from webauthn.helpers.structs import UserVerificationRequirement

from accounts.domain.access import LoginChannel, LoginOutcome, SignInMethod
from accounts.selectors.staff import may_enter
from accounts.services import console_sessions
from csms.common import audit, clock
from csms.common.api.addresses import address_group, client_address
from csms.common.api.throttling import counter
from csms.common.errors import Forbidden
from csms.console import sessions
from csms.console.passkey_domain import host_of, origin_of

MOST_PASSKEYS = 20
NAME_LENGTH = 64
# Each start of a sign-in makes a session: nobody needs more of them.
STARTS_PER_MINUTE = 30


def relying_party_id(request: HttpRequest | None = None) -> str:
    return str(settings.PASSKEY_RP_ID or host_of(settings.PUBLIC_URL))


class PasskeyHelper(WebAuthnHelper):
    """Always asks the authenticator to verify the person: possession alone is one factor only."""

    def get_allowed_origins(self) -> list[str]:
        """That of PUBLIC_URL; on localhost any port, as a demo may run beside others."""
        allowed = [origin_of(settings.PUBLIC_URL)]
        host = self.request.get_host()
        if relying_party_id() == "localhost" and urlsplit(f"//{host}").hostname == "localhost":
            allowed.append(f"{self.request.scheme}://{host}")
        return allowed

    def get_generate_registration_options_kwargs(self, *, user: Any) -> dict[str, Any]:
        options: dict[str, Any] = super().get_generate_registration_options_kwargs(user=user)
        selection = options["authenticator_selection"]
        selection.user_verification = UserVerificationRequirement.REQUIRED
        return options

    def get_generate_authentication_options_kwargs(
        self, *, user: Any = None, require_user_verification: bool
    ) -> dict[str, Any]:
        options: dict[str, Any] = super().get_generate_authentication_options_kwargs(
            user=user, require_user_verification=True
        )
        return options

    def create_credential(
        self, user: Any, response: Any, parsed_credential: Any, original_data: dict[str, Any]
    ) -> AbstractWebAuthnCredential:
        device = super().create_credential(user, response, parsed_credential, original_data)
        device.name = _clean_name(original_data.get("name"))
        return device


def _clean_name(given: object) -> str:
    text = "".join(c for c in str(given or "") if c.isprintable()).strip()
    return text[:NAME_LENGTH] or "Passkey"


class NotConfirmed(exceptions.OTPWebAuthnApiError):
    status_code = 403
    default_code = "not_confirmed"
    default_detail = _("Confirm first that it is you.")


class TooManyPasskeys(exceptions.OTPWebAuthnApiError):
    status_code = 409
    default_code = "too_many_passkeys"
    default_detail = _("You have as many passkeys as there may be: remove one first.")


class TooManyStarts(exceptions.OTPWebAuthnApiError):
    status_code = 429
    default_code = "throttled"
    default_detail = _("Too many attempts. Wait a moment, then try again.")


class _JsonBody:
    """Only POST, and a body that is no JSON is refused, however it is broken."""

    http_method_names = ["post"]

    def _parse_request_data(self, request: HttpRequest) -> Any:
        try:
            return json.loads(request.body or b"{}")
        except (ValueError, RecursionError) as error:
            raise exceptions.MalformedRequest from error


class _NewPasskey(_JsonBody):
    """A new passkey is a new key to the house: it takes a one-time code, given just now."""

    request: Any

    def check_can_register(self) -> None:
        session = sessions.current(self.request)
        if session is None or not console_sessions.is_confirmed(session, clock.now()):
            raise NotConfirmed
        known = WebAuthnCredential.objects.filter(user=self.request.user).count()
        if known >= MOST_PASSKEYS:
            raise TooManyPasskeys


class BeginRegistration(_NewPasskey, BeginCredentialRegistrationView):
    pass


class CompleteRegistration(_NewPasskey, CompleteCredentialRegistrationView):
    def post(self, *args: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post(*args, **kwargs)
        made = WebAuthnCredential.objects.get(pk=json.loads(response.content)["id"])
        audit.record(self.request.user, "passkey.add", made, changes={"name": made.name})
        return response


class _Passwordless(_JsonBody):
    """Whoever is signed in already starts anew like everybody else."""

    request: Any

    def get_user(self) -> None:
        return None

    def check_can_authenticate(self) -> None:
        super().check_can_authenticate()  # type: ignore[misc]
        who = address_group(client_address(self.request))
        key = f"throttle:passkey:{who}:{int(time.time() // 60)}"
        if counter.hit(key, 60) > STARTS_PER_MINUTE:
            raise TooManyStarts


class BeginAuthentication(_Passwordless, BeginCredentialAuthenticationView):
    pass


class CompleteAuthentication(_Passwordless, CompleteCredentialAuthenticationView):
    def post(self, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response: HttpResponse = super().post(*args, **kwargs)
        except exceptions.OTPWebAuthnApiError:
            if not getattr(self.request, "is_attempt_noted", False):
                sessions.note_attempt(
                    self.request, LoginChannel.PASSKEY, LoginOutcome.WRONG_PASSKEY, ""
                )
            raise
        return response

    def check_device_usable(self, device: Any) -> None:
        super().check_device_usable(device)
        if not may_enter(device.user):
            self._refuse(device)

    def complete_auth(self, device: Any) -> None:
        try:
            sessions.sign_in(self.request, device.user, device, SignInMethod.PASSKEY)
        except Forbidden:
            self._refuse(device)
        sessions.note_attempt(
            self.request,
            LoginChannel.PASSKEY,
            LoginOutcome.SUCCEEDED,
            device.user.email or "",
            device.user,
        )

    def _refuse(self, device: Any) -> None:
        user = device.user
        sessions.note_attempt(
            self.request, LoginChannel.PASSKEY, LoginOutcome.NOT_ALLOWED, user.email or "", user
        )
        self.request.is_attempt_noted = True
        raise exceptions.UserDisabled

    def get_success_url(self) -> str:
        return self.get_redirect_url() or reverse("admin:index")
