"""The page behind a set-up link: password, authenticator app, backup codes, and then inside.

The link's token follows the `#`, which browsers keep to themselves; a script hands it over in a
form. From then on the browser's session knows the invitation, and no address carries a secret.
"""

from base64 import b32encode
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.contrib.auth.password_validation import password_validators_help_texts
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from accounts.domain.access import LoginChannel, LoginOutcome, SignInMethod
from accounts.models import Authenticator, StaffInvitation
from accounts.selectors.invitations import invitation_of, open_invitation
from accounts.services import invitations
from csms.common import clock
from csms.common.admin import shown_once
from csms.common.errors import DomainError, InvalidInput
from csms.console import sessions
from csms.console.qr_codes import qr_code

INVITATION_KEY = "set_up_invitation"
NOT_VALID = _(
    "This set-up link was used already or has expired. Ask your administrator for a new one."
)


class SetUpForm(forms.Form):
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=256,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )
    password_again = forms.CharField(
        label=_("Password, once more"),
        strip=False,
        max_length=256,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )
    code = forms.CharField(
        label=_("The app's 6 digits"),
        max_length=16,
        widget=UnfoldAdminTextInputWidget(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"}
        ),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        first, again = cleaned.get("password"), cleaned.get("password_again")
        if first and again and first != again:
            self.add_error("password_again", _("The two passwords differ."))
        return cleaned


@sensitive_post_parameters()
@never_cache
@csrf_protect
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    if request.method == "POST" and "token" in request.POST:
        return _take_token(request, request.POST["token"].strip())
    invitation = _invitation_of(request)
    if invitation is None:
        return _ask_for_link(request, was_known=INVITATION_KEY in request.session)
    if request.method == "POST":
        return _accept(request, invitation)
    return _form_page(request, invitation, SetUpForm())


def _take_token(request: HttpRequest, token: str) -> HttpResponse:
    invitation = invitation_of(token, clock.now())
    if invitation is None:
        return _ask_for_link(request, was_known=True)
    request.session.cycle_key()
    request.session[INVITATION_KEY] = str(invitation.pk)
    return HttpResponseRedirect(reverse("admin:set_up"))


def _invitation_of(request: HttpRequest) -> StaffInvitation | None:
    known = request.session.get(INVITATION_KEY)
    return open_invitation(UUID(known), clock.now()) if known else None


def _ask_for_link(request: HttpRequest, *, was_known: bool) -> HttpResponse:
    error = NOT_VALID if was_known else ""
    return _render(request, "console/set_up_link.html", {"error": error}, 400 if error else 200)


def _accept(request: HttpRequest, invitation: StaffInvitation) -> HttpResponse:
    form = SetUpForm(request.POST)
    if not form.is_valid():
        return _form_page(request, invitation, form)
    try:
        user, codes = invitations.accept(
            invitation,
            form.cleaned_data["password"],
            form.cleaned_data["code"],
            at=clock.now(),
        )
    except InvalidInput as error:
        for wrong in error.errors:
            form.add_error(wrong.field, wrong.detail)
        return _form_page(request, invitation, form)
    except DomainError:
        return _ask_for_link(request, was_known=True)
    request.session.pop(INVITATION_KEY, None)
    device = Authenticator.objects.get(user=user, confirmed=True)
    sessions.sign_in(request, user, device, SignInMethod.SET_UP_LINK)
    sessions.note_attempt(
        request, LoginChannel.CONSOLE, LoginOutcome.SUCCEEDED, user.email or "", user
    )
    return shown_once(
        request,
        gettext("You are set up: your backup codes"),
        [(gettext("Backup codes, each works once"), "  ".join(codes))],
        reverse("admin:index"),
        introduction=gettext(
            "Each of these lets you in once when your phone is not at hand. Print them, or keep "
            "them in a password manager."
        ),
    )


def _form_page(request: HttpRequest, invitation: StaffInvitation, form: SetUpForm) -> HttpResponse:
    device = invitations.begin(invitation)
    secret = b32encode(device.key).decode()
    context = {
        "form": form,
        "member": invitation.user,
        "operators": list(invitation.user.operators.filter(is_active=True)),
        "expires_at": invitation.expires_at,
        "qr_svg": qr_code(device.provisioning_uri),
        "secret": " ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
        "rules": password_validators_help_texts(),
    }
    return _render(request, "console/set_up.html", context, 200 if not form.errors else 400)


def _render(
    request: HttpRequest, template: str, context: dict[str, Any], status: int
) -> HttpResponse:
    request.current_app = admin.site.name
    return TemplateResponse(
        request,
        template,
        {**admin.site.each_context(request), "title": gettext("Set up your access"), **context},
        status=status,
    )
