from typing import Any, cast

import qrcode
from django import forms
from django.contrib import admin
from django.contrib.auth.password_validation import validate_password
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from qrcode.image.svg import SvgPathImage
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminPasswordWidget

from accounts.domain.states import Role
from accounts.models import SignIn, User
from accounts.services import staff
from csms.common.admin import ConsoleAdmin, ReadOnlyAdmin, confirm, shown_once


class StaffForm(forms.ModelForm):
    """A new member of staff; drivers register themselves."""

    email = forms.EmailField(label=_("E-mail"))
    role = forms.ChoiceField(
        label=_("Role"), choices=[(r.value, r.value) for r in (Role.STAFF, Role.SUPERADMIN)]
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )

    class Meta:
        model = User
        fields = ("email", "role", "operators")

    def save(self, commit: bool = True) -> User:
        return self.instance

    def save_m2m(self) -> None:
        """The service has set the operators."""

    def create(self, actor: User) -> User:
        data = self.cleaned_data
        return staff.create_staff(
            data["email"], data["password"], data["role"], data["operators"], actor=actor
        )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("role") == Role.STAFF and not cleaned.get("operators"):
            self.add_error("operators", _("STAFF needs at least one operator."))
        if cleaned.get("password") and cleaned.get("email"):
            try:
                validate_password(cleaned["password"], User(email=cleaned["email"]))
            except forms.ValidationError as error:
                self.add_error("password", error)
        return cleaned


@admin.register(User)
class UserAdmin(ConsoleAdmin):
    list_display = ["name", "email", "role_label", "operator_names", "is_active", "date_joined"]
    list_filter = [("role", ChoicesDropdownFilter), "is_active"]
    search_fields = ["email__istartswith"]
    search_help_text = _("The beginning of an e-mail address.")
    ordering = ["email"]
    fields = ["display_name", "role", "operators", "language", "is_active"]
    filter_horizontal = ["operators"]
    operator_path = None
    actions_detail = ["renew_second_factor"]

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = StaffForm
        return super().get_form(request, obj, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["email", "password", "role", "operators"] if obj is None else self.fields

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("operators")

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        made = form.create(cast(User, request.user))
        obj.pk = made.pk
        obj.refresh_from_db()

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """The service has recorded it."""

    def response_add(
        self, request: HttpRequest, obj: User, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self._show_second_factor(request, obj, staff.ensure_totp(obj))

    @action(description=_("New second factor"), url_path="second-factor", icon="qr_code")
    def renew_second_factor(self, request: HttpRequest, object_id: int) -> HttpResponse:
        user = get_object_or_404(self.get_queryset(request), pk=object_id)
        if request.method != "POST":
            url = reverse("admin:accounts_user_change", args=[user.pk])
            question = gettext(
                "Make a new second factor for %(name)s? The present one stops working."
            )
            return confirm(request, question % {"name": user}, url)
        address = staff.renew_totp(user, actor=cast(User, request.user))
        return self._show_second_factor(request, user, address)

    def _show_second_factor(self, request: HttpRequest, user: User, address: str) -> HttpResponse:
        codes = staff.create_backup_codes(user, actor=cast(User, request.user))
        return shown_once(
            request,
            gettext("Second factor of %(name)s") % {"name": user},
            [
                (gettext("Address for the authenticator app"), address),
                (gettext("Backup codes, each works once"), "  ".join(codes)),
            ],
            reverse("admin:accounts_user_change", args=[user.pk]),
            qr_svg=qr_code(address),
        )

    @display(description=_("name"), ordering="display_name")
    def name(self, user: User) -> str:
        return str(user)

    @display(
        description=_("role"),
        ordering="role",
        label={"SUPERADMIN": "primary", "STAFF": "info", "DRIVER": ""},
    )
    def role_label(self, user: User) -> str:
        return user.role

    @display(description=_("operators"))
    def operator_names(self, user: User) -> str:
        return ", ".join(operator.name for operator in user.operators.all()) or "–"


def qr_code(text: str) -> SafeString:
    image = qrcode.make(text, image_factory=SvgPathImage, border=1)
    # Built from numbers only: the text itself is not in the drawing.
    return mark_safe(image.to_string(encoding="unicode"))  # noqa: S308


@admin.register(SignIn)
class SignInAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "user", "remote_address", "expires_at", "revoked_at"]
    list_display_links = ["created_at"]
    list_select_related = ["user"]
    fields = ["user", "remote_address", "created_at", "expires_at", "revoked_at"]
    operator_path = None
