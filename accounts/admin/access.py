"""Who came in, who tried to, and who was invited: to look at; a session can be ended."""

from typing import Any, cast

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateTimeFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts.domain.access import SessionEnd
from accounts.models import ConsoleSession, LoginAttempt, StaffInvitation, User
from accounts.selectors.console_sessions import idle_limit
from accounts.services import console_sessions
from csms.common.admin import ReadOnlyAdmin, confirm
from csms.common.clock import now


@admin.register(LoginAttempt)
class LoginAttemptAdmin(ReadOnlyAdmin):
    list_display = ["at", "username", "outcome_label", "channel", "remote_address", "times"]
    list_display_links = ["at"]
    list_filter = [
        ("outcome", ChoicesDropdownFilter),
        ("channel", ChoicesDropdownFilter),
        ("at", RangeDateTimeFilter),
    ]
    exact_search = {"username": str.lower, "remote_address": str}
    search_help_text = _("Exact: an e-mail address or a network address.")
    fields = [
        "at",
        "username",
        "user",
        "outcome",
        "channel",
        "remote_address",
        "user_agent",
        "times",
    ]
    list_select_related = ["user"]
    operator_path = None

    @display(
        description=_("outcome"),
        ordering="outcome",
        label={
            "SUCCEEDED": "success",
            "LOCKED_OUT": "danger",
            "WRONG_CREDENTIALS": "warning",
            "WRONG_CODE": "warning",
            "WRONG_PASSKEY": "warning",
            "NO_SECOND_FACTOR": "warning",
            "NOT_VERIFIED": "warning",
            "IDENTITY_REFUSED": "warning",
            "NOT_ALLOWED": "danger",
        },
    )
    def outcome_label(self, attempt: LoginAttempt) -> tuple[str, str]:
        return attempt.outcome, attempt.get_outcome_display()


@admin.register(ConsoleSession)
class ConsoleSessionAdmin(ReadOnlyAdmin):
    list_display = ["started_at", "user", "state", "method", "remote_address", "last_seen_at"]
    list_display_links = ["started_at"]
    list_filter = [("end_reason", ChoicesDropdownFilter)]
    list_select_related = ["user"]
    exact_search = {"user__email": str.lower, "remote_address": str}
    search_help_text = _("Exact: an e-mail address or a network address.")
    fields = [
        "user",
        "method",
        "remote_address",
        "user_agent",
        "started_at",
        "last_seen_at",
        "ended_at",
        "end_reason",
    ]
    operator_path = None
    actions_detail = ["end_session"]

    def has_end_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("accounts.change_consolesession")

    @action(
        description=_("End"),
        url_path="end",
        icon="logout",
        variant=ActionVariant.DANGER,
        permissions=["end"],
    )
    def end_session(self, request: HttpRequest, object_id: str) -> HttpResponse:
        found = self.row_or_404(request, object_id)
        url = reverse("admin:accounts_consolesession_change", args=[found.pk])
        if request.method != "POST":
            question = gettext("End this session of %(name)s?")
            return confirm(request, question % {"name": found.user}, url)
        actor = cast(User, request.user)
        console_sessions.end(found, SessionEnd.ENDED_BY_PERSON, actor=actor, at=now())
        self.message_user(request, gettext("The session is ended."), messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:accounts_consolesession_changelist"))

    @display(description=_("status"), label={"open": "success", "ended": "", "idle": "warning"})
    def state(self, session: ConsoleSession) -> tuple[str, str]:
        if session.ended_at is not None:
            return "ended", session.get_end_reason_display()
        if session.last_seen_at <= now() - idle_limit():
            return "idle", gettext("left alone")
        return "open", gettext("open")


@admin.register(StaffInvitation)
class StaffInvitationAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "user", "state", "expires_at", "used_at"]
    list_display_links = ["created_at"]
    list_select_related = ["user"]
    exact_search = {"user__email": str.lower}
    search_help_text = _("Exact: an e-mail address.")
    fields = ["user", "created_at", "expires_at", "used_at", "withdrawn_at"]
    operator_path = None

    @display(
        description=_("status"),
        label={"open": "info", "used": "success", "withdrawn": "", "expired": "warning"},
    )
    def state(self, invitation: StaffInvitation) -> tuple[str, str]:
        if invitation.used_at is not None:
            return "used", gettext("used")
        if invitation.withdrawn_at is not None:
            return "withdrawn", gettext("withdrawn")
        if invitation.expires_at <= now():
            return "expired", gettext("expired")
        return "open", gettext("open")
