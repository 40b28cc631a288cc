"""One's own security: backup codes, passkeys, and where one is signed in."""

from typing import Any, cast
from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django_otp_webauthn.models import WebAuthnCredential

from accounts.domain.access import SessionEnd
from accounts.models import Authenticator, BackupCode, ConsoleSession, User
from accounts.selectors.console_sessions import open_sessions
from accounts.selectors.sign_ins import devices_of
from accounts.services import console_sessions, sign_ins, staff
from csms.common import audit, clock
from csms.common.admin import shown_once
from csms.console import sessions
from csms.console.browsers import browser_name
from csms.console.passkey_domain import host_of
from csms.console.passkeys import relying_party_id


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    user, at = _user(request), clock.now()
    present = _session(request)
    request.current_app = admin.site.name
    context = {
        **admin.site.each_context(request),
        "title": _("My security"),
        "is_confirmed": console_sessions.is_confirmed(present, at),
        "authenticator": Authenticator.objects.filter(user=user, confirmed=True).first(),
        "backup_codes_left": BackupCode.objects.filter(sheet__user=user).count(),
        "backup_codes_made": staff.BACKUP_CODE_COUNT,
        "passkeys": WebAuthnCredential.objects.filter(user=user).order_by("created_at", "pk"),
        "passkeys_work_here": _passkeys_work_at(request),
        "passkey_host": relying_party_id(),
        "console_sessions": [
            (session, browser_name(session.user_agent), session.pk == present.pk)
            for session in open_sessions(user, at)
        ],
        "sign_ins": devices_of(user, at=at),
    }
    return TemplateResponse(request, "console/security.html", context)


@require_POST
def confirm(request: HttpRequest) -> HttpResponse:
    checked = staff.check_code(_user(request), request.POST.get("code", "")[:32])
    if checked.device is not None:
        console_sessions.confirm(_session(request), clock.now())
        messages.success(request, _("Confirmed. You can make changes for 10 minutes."))
    elif checked.is_throttled:
        messages.error(request, _("Too many wrong codes. Wait a moment, then try again."))
    else:
        messages.error(request, _("This code is not valid. Wait for the next one and try again."))
    return _back()


@require_POST
def renew_backup_codes(request: HttpRequest) -> HttpResponse:
    if not _may_change(request):
        return _back()
    codes = staff.create_backup_codes(_user(request))
    return shown_once(
        request,
        _("Your new backup codes"),
        [(_("Backup codes, each works once"), "  ".join(codes))],
        reverse("admin:console_security"),
    )


@require_POST
def remove_passkey(request: HttpRequest, passkey_id: int) -> HttpResponse:
    found = get_object_or_404(WebAuthnCredential, pk=passkey_id, user=_user(request))
    if not _may_change(request):
        return _back()
    audit.record(_user(request), "passkey.remove", found, changes={"name": found.name})
    found.delete()
    messages.success(request, _("The passkey opens nothing any more."))
    return _back()


@require_POST
def end_session(request: HttpRequest, session_id: UUID) -> HttpResponse:
    user = _user(request)
    found = get_object_or_404(ConsoleSession, pk=session_id, user=user)
    console_sessions.end(found, SessionEnd.ENDED_BY_PERSON, actor=user, at=clock.now())
    messages.success(request, _("The session is ended."))
    return _back()


@require_POST
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    user, at = _user(request), clock.now()
    ended = console_sessions.end_all(
        user, SessionEnd.ENDED_BY_PERSON, actor=user, at=at, but=_session(request)
    ) + sign_ins.revoke_all(user, actor=user, at=at)
    messages.success(request, _("Ended: %(count)s.") % {"count": ended})
    return _back()


@require_POST
def end_sign_in(request: HttpRequest, sign_in_id: UUID) -> HttpResponse:
    at = clock.now()
    found = devices_of(_user(request), at=at).filter(pk=sign_in_id).first()
    if found is None:
        raise Http404
    sign_ins.sign_out(found, at=at)
    messages.success(request, _("The sign-in is ended."))
    return _back()


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)


def _session(request: HttpRequest) -> ConsoleSession:
    present = sessions.current(request)
    if present is None:
        raise Http404
    return present


def _may_change(request: HttpRequest) -> bool:
    if console_sessions.is_confirmed(_session(request), clock.now()):
        return True
    messages.error(request, _("Confirm first that it is you."))
    return False


def _back() -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:console_security"))


def _passkeys_work_at(request: HttpRequest) -> Any:
    host = host_of(f"//{request.get_host()}")
    domain = relying_party_id()
    is_secure = request.is_secure() or host == "localhost"
    return is_secure and (host == domain or host.endswith(f".{domain}"))
