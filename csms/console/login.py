"""Signing in: e-mail, password and a one-time code on one form."""

from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from accounts.backends import attempted_username
from accounts.domain.access import LoginChannel, LoginOutcome
from accounts.models import User
from accounts.selectors.staff import may_enter
from accounts.services import staff
from csms.console import sessions


class LoginForm(AdminAuthenticationForm):
    """Password and second factor together; the code is a TOTP or one of the backup codes."""

    otp_token = forms.CharField(
        label=_("One-time code"),
        max_length=32,
        required=True,
        strip=True,
        error_messages={"required": _("Enter the 6 digits that your authenticator app shows.")},
        help_text=_("From your authenticator app, or one of your backup codes."),
        widget=UnfoldAdminTextInputWidget(
            attrs={"autocomplete": "one-time-code", "inputmode": "text", "spellcheck": "false"}
        ),
    )
    error_messages = {
        **AdminAuthenticationForm.error_messages,
        "invalid_login": _("E-mail or password is wrong."),
        "locked_out": _("Too many failed attempts. Wait 15 minutes, then try again."),
        "no_device": _(
            "This account has no second factor yet. An administrator of the server sets one up "
            "with: manage.py create_staff %(email)s"
        ),
        "wrong_code": _("This code is not valid. Wait for the next one and try again."),
        "no_operator": _("No operator that you work for is active. Ask an administrator."),
        "throttled": _("Too many wrong codes. Wait a moment, then try again."),
    }

    request: HttpRequest

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.fields["username"].label = _("E-mail")
        self.fields["username"].widget = UnfoldAdminTextInputWidget(
            attrs={"type": "email", "autocomplete": "username", "autofocus": True}
        )
        self.fields["password"].widget = UnfoldAdminPasswordWidget(
            attrs={"autocomplete": "current-password"}
        )

    def get_invalid_login_error(self) -> ValidationError:
        if getattr(self.request, "axes_locked_out", False):
            return ValidationError(self.error_messages["locked_out"], code="locked_out")
        return ValidationError(self.error_messages["invalid_login"], code="invalid_login")

    def clean(self) -> dict[str, Any]:
        username = str(self.cleaned_data.get("username") or "")
        try:
            cleaned: dict[str, Any] = super().clean()
        except ValidationError as error:
            self._note(_REFUSED_AS.get(error.code or "", LoginOutcome.WRONG_CREDENTIALS), username)
            raise
        # Any: django-otp's sign-in handler reads `otp_device` from it, which no type knows.
        user: Any = self.get_user()
        if user is not None and cleaned.get("otp_token"):
            user.otp_device = self._verified_device(user, cleaned["otp_token"])
            self._note(LoginOutcome.SUCCEEDED, username)
        elif user is not None:
            self._note(LoginOutcome.WRONG_CODE, username)
        return cleaned

    def confirm_login_allowed(self, user: Any) -> None:
        super().confirm_login_allowed(user)
        if not may_enter(user):
            raise ValidationError(self.error_messages["no_operator"], code="no_operator")

    def _verified_device(self, user: User, code: str) -> Device:
        checked = staff.check_code(user, code)
        if checked.device is not None:
            return checked.device
        if not checked.has_devices:
            self._note(LoginOutcome.NO_SECOND_FACTOR, user.email or "")
            raise ValidationError(
                self.error_messages["no_device"], code="no_device", params={"email": user.email}
            )
        # The password was right, the code was not: it counts as any other failure.
        username = attempted_username(self.request)
        user_login_failed.send(__name__, credentials={"username": username}, request=self.request)
        is_locked_out = getattr(self.request, "axes_locked_out", False)
        self._note(
            LoginOutcome.LOCKED_OUT if is_locked_out else LoginOutcome.WRONG_CODE, user.email or ""
        )
        name = "throttled" if checked.is_throttled else "wrong_code"
        if is_locked_out:
            name = "locked_out"
        raise ValidationError(self.error_messages[name], code=name)

    def _note(self, outcome: LoginOutcome, username: str) -> None:
        sessions.note_attempt(
            self.request, LoginChannel.CONSOLE, outcome, username, self.get_user()
        )


_REFUSED_AS = {
    "locked_out": LoginOutcome.LOCKED_OUT,
    "no_operator": LoginOutcome.NOT_ALLOWED,
}


def locked_out(
    request: HttpRequest, response: HttpResponse, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """The answer to a locked-out attempt: the form with its kind message, as 429.

    The API words its own refusal; here only the status and `Retry-After` are added.
    """
    response.status_code = 429
    response["Retry-After"] = str(15 * 60)
    return response
