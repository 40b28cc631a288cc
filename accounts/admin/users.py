from datetime import datetime
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminSelectWidget

from accounts.domain.contacts import Channel, Contact, thai_mobile
from accounts.domain.states import EndReason, Role
from accounts.models import SignIn, User
from accounts.models.verifications import contact_digest
from accounts.selectors.invitations import unsent_link
from accounts.selectors.staff import is_last_superadmin
from accounts.services import invitations, sign_ins, staff
from accounts.services.set_up_links import set_up_url
from csms.common.admin import ConsoleAdmin, ReadOnlyAdmin, confirm, shown_once
from csms.common.clock import now
from csms.common.errors import Conflict
from csms.common.state_names import NAMES, labelled


class StaffForm(forms.ModelForm):
    """A new member of staff; drivers register themselves. Nobody chooses another's password."""

    email = forms.EmailField(label=_("E-mail"), widget=UnfoldAdminEmailInputWidget())
    role = forms.ChoiceField(
        label=_("Role"),
        choices=[(role.value, NAMES[role.value]) for role in (Role.STAFF, Role.SUPERADMIN)],
        widget=UnfoldAdminSelectWidget(),
    )

    class Meta:
        model = User
        fields = ("email", "display_name", "role", "operators", "language")

    def save(self, commit: bool = True) -> User:
        return self.instance

    def save_m2m(self) -> None:
        """The service has set the operators."""

    def clean_email(self) -> str:
        address = str(self.cleaned_data["email"])
        if User.objects.filter(email=address.lower()).exists():
            raise forms.ValidationError(_("Another user has this e-mail address."))
        return address

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("role") == Role.STAFF and not cleaned.get("operators"):
            self.add_error("operators", _("STAFF needs at least one operator."))
        return cleaned


class UserForm(forms.ModelForm):
    """Somebody known: who loses access by it is signed out at once."""

    class Meta:
        model = User
        fields = ("display_name", "role", "operators", "language", "is_active")

    def save_m2m(self) -> None:
        """The service has set the operators."""

    def save(self, commit: bool = True) -> User:
        return self.instance

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        role = cleaned.get("role")
        if role == Role.STAFF and not cleaned.get("operators"):
            self.add_error("operators", _("STAFF needs at least one operator."))
        if role and role != Role.DRIVER and not self.instance.email:
            self.add_error("role", _("Staff need an e-mail address."))
        stored = User.objects.get(pk=self.instance.pk)
        if stored.anonymised_at is not None:
            raise forms.ValidationError(_("The account is closed already."))
        stays = cleaned.get("is_active") and role == Role.SUPERADMIN
        if role and not stays and is_last_superadmin(stored):
            raise forms.ValidationError(
                _("Nobody else is an active SUPERADMIN: this person must stay one.")
            )
        return cleaned


class PhoneSearchMixin:
    """Finds a person by the whole number as well, which is readable nowhere in the database."""

    digest_path: str

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        number = thai_mobile(search_term)
        if number is None:
            found: tuple[QuerySet[Any], bool] = super().get_search_results(  # type: ignore[misc]
                request, queryset, search_term
            )
            return found
        digest = contact_digest(Contact(Channel.SMS, number))
        return queryset.filter(**{self.digest_path: digest}), False


@admin.register(User)
class UserAdmin(PhoneSearchMixin, ConsoleAdmin):
    digest_path = "phone_digest"
    list_display = ["name", "email", "role_label", "operator_names", "is_active", "date_joined"]
    list_filter = [("role", ChoicesDropdownFilter), "is_active"]
    search_fields = ["email__istartswith"]
    search_help_text = _("The beginning of an e-mail address, or a whole phone number.")
    ordering = ["email"]
    fields = [
        "display_name",
        "role",
        "operators",
        "language",
        "is_active",
        "email_state",
        "phone_state",
        "providers",
        "set_up_link_state",
    ]
    readonly_fields = ["email_state", "phone_state", "providers", "set_up_link_state"]
    filter_horizontal = ["operators"]
    operator_path = None
    is_audited_by_service = True
    actions_detail = ["renew_second_factor"]

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        kwargs["form"] = StaffForm if obj is None else UserForm
        return super().get_form(request, obj, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        added = ["email", "display_name", "role", "operators", "language"]
        return added if obj is None else self.fields

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("operators")

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        actor, data = cast(User, request.user), form.cleaned_data
        if change:
            staff.change_staff(
                obj,
                role=data["role"],
                operators=data["operators"],
                is_active=data["is_active"],
                display_name=data["display_name"],
                language=data["language"],
                actor=actor,
            )
            return
        made, _invitation, token = invitations.invite_staff(
            data["email"],
            data["role"],
            data["operators"],
            display_name=data["display_name"],
            language=data["language"],
            actor=actor,
            at=now(),
        )
        obj.pk = made.pk
        obj.set_up_token = token  # type: ignore[attr-defined]

    def response_add(
        self, request: HttpRequest, obj: User, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self._hand_over(request, obj, obj.set_up_token)  # type: ignore[attr-defined]

    def has_renew_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("accounts.change_user")

    @action(
        description=_("New set-up link"),
        url_path="set-up-link",
        icon="link",
        permissions=["renew"],
    )
    def renew_second_factor(self, request: HttpRequest, object_id: int) -> HttpResponse:
        user = self.row_or_404(request, object_id)
        url = reverse("admin:accounts_user_change", args=[user.pk])
        if request.method != "POST":
            question = gettext(
                "Make a new set-up link for %(name)s? Password, authenticator, backup codes and "
                "passkeys stop working, and every session ends."
            )
            return confirm(request, question % {"name": user}, url)
        try:
            _invitation, token = invitations.renew_access(
                user, actor=cast(User, request.user), at=now()
            )
        except Conflict as refusal:
            self.message_user(request, refusal.detail, messages.ERROR)
            return HttpResponseRedirect(url)
        return self._hand_over(request, user, token)

    def _hand_over(self, request: HttpRequest, user: User, token: str) -> HttpResponse:
        """Show the link once, unless it went out by mail."""
        url = reverse("admin:accounts_user_change", args=[user.pk])
        if not token:
            text = gettext("The set-up link goes to %(address)s. It works once, for 24 hours.")
            self.message_user(request, text % {"address": user.email}, messages.SUCCESS)
            return HttpResponseRedirect(url)
        return shown_once(
            request,
            gettext("Set-up link for %(name)s") % {"name": user},
            [(gettext("Works once, for 24 hours"), set_up_url(token))],
            url,
            introduction=gettext(
                "Give it to the person over a way that you trust. They choose their own password "
                "and second factor with it; you will not know either."
            ),
        )

    @display(description=_("name"), ordering="display_name")
    def name(self, user: User) -> str:
        return str(user)

    @display(description=_("e-mail"))
    def email_state(self, user: User) -> str:
        return contact_state(user.email or "", user.email_verified_at)

    @display(description=_("phone"))
    def phone_state(self, user: User) -> str:
        shown = Contact(Channel.SMS, user.phone).hint if user.phone else ""
        return contact_state(shown, user.phone_verified_at)

    @display(description=_("signs in with another account"))
    def providers(self, user: User) -> str:
        links = user.external_identities.order_by("provider")
        return ", ".join(links.values_list("provider", flat=True)) or "–"

    @display(description=_("set-up link"))
    def set_up_link_state(self, user: User) -> str:
        message = unsent_link(user, now())
        if message is None:
            return "–"
        if message.refused_at is not None:
            return gettext(
                "the mail server knows no such address: close this access and invite the person "
                "again"
            )
        text = gettext("not sent yet, tried %(count)d times; it is tried until %(when)s")
        until = localtime(message.send_before).strftime("%Y-%m-%d %H:%M")
        return text % {"count": message.attempts, "when": until}

    @display(
        description=_("role"),
        ordering="role",
        label={"SUPERADMIN": "primary", "STAFF": "info", "DRIVER": ""},
    )
    def role_label(self, user: User) -> tuple[str, str]:
        return labelled(user.role)

    @display(description=_("operators"))
    def operator_names(self, user: User) -> str:
        return ", ".join(operator.name for operator in user.operators.all()) or "–"


def contact_state(shown: str, verified_at: datetime | None) -> str:
    if not shown:
        return "–"
    if verified_at is None:
        return gettext("%(contact)s, not verified") % {"contact": shown}
    when = localtime(verified_at).strftime("%Y-%m-%d %H:%M")
    return gettext("%(contact)s, verified %(when)s") % {"contact": shown, "when": when}


@admin.register(SignIn)
class SignInAdmin(PhoneSearchMixin, ReadOnlyAdmin):
    digest_path = "user__phone_digest"
    list_display = [
        "created_at",
        "user",
        "device_name",
        "remote_address",
        "last_used_at",
        "expires_at",
        "state",
    ]
    list_display_links = ["created_at"]
    list_select_related = ["user"]
    list_filter = ["end_reason"]
    search_fields = ["user__email__istartswith"]
    search_help_text = _("The beginning of an e-mail address, or a whole phone number.")
    fields = [
        "user",
        "device_name",
        "user_agent",
        "remote_address",
        "created_at",
        "last_used_at",
        "expires_at",
        "revoked_at",
        "end_reason",
    ]
    operator_path = None
    actions_detail = ["sign_out"]

    @action(
        description=_("Sign out"), url_path="sign-out", icon="logout", variant=ActionVariant.DANGER
    )
    def sign_out(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if not request.user.has_perm("accounts.view_signin"):
            raise PermissionDenied
        opened = self.row_or_404(request, object_id)
        url = reverse("admin:accounts_signin_change", args=[opened.pk])
        if request.method != "POST":
            question = gettext("Sign %(name)s out on this device?") % {"name": opened.user}
            return confirm(request, question, url)
        sign_ins.sign_out(
            opened, at=now(), actor=cast(User, request.user), reason=EndReason.REVOKED
        )
        self.message_user(request, gettext("The device is signed out."), messages.SUCCESS)
        return HttpResponseRedirect(url)

    @display(
        description=_("status"),
        label={"open": "success", "ended": "danger", "expired": ""},
    )
    def state(self, opened: SignIn) -> tuple[str, str]:
        if opened.revoked_at is not None:
            return "ended", gettext("revoked")
        if opened.expires_at <= now():
            return "expired", gettext("expired")
        return "open", gettext("open")
