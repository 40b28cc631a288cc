"""Security events and certificates."""

from typing import Any, cast

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts.models import User
from chargepoints.admin.labels import REQUEST_LABELS
from chargepoints.models import (
    CertificateAuthority,
    CertificateRequest,
    InstalledCertificate,
    PasswordChange,
    SecurityEvent,
)
from chargepoints.services import certificates
from csms.common.admin import ReadOnlyAdmin, ScopedAutocompleteFilter, confirm
from csms.common.state_names import labelled


@admin.register(SecurityEvent)
class SecurityEventAdmin(ReadOnlyAdmin):
    list_display = ["received_at", "station", "type", "is_critical", "tech_info", "occurred_at"]
    list_display_links = ["received_at"]
    list_filter = ["is_critical", ("station", ScopedAutocompleteFilter)]
    list_select_related = ["station"]
    exact_search = {"type": str}
    search_help_text = _("A whole type.")
    ordering = ["-id"]
    operator_path = "station__site__operator"


@admin.register(CertificateAuthority)
class CertificateAuthorityAdmin(ReadOnlyAdmin):
    """Its certificate, to be trusted by the TLS server; its key is shown to nobody."""

    list_display = ["name", "is_active", "created_at"]
    list_display_links = ["name"]
    fields = ["name", "is_active", "created_at", "certificate"]


@admin.register(CertificateRequest)
class CertificateRequestAdmin(ReadOnlyAdmin):
    list_display = [
        "received_at",
        "station",
        "state_label",
        "detail",
        "serial_number",
        "expires_at",
        "revoked_at",
    ]
    list_display_links = ["received_at"]
    actions_detail = ["revoke"]
    list_filter = [("state", ChoicesDropdownFilter), ("station", ScopedAutocompleteFilter)]
    list_select_related = ["station"]
    ordering = ["-id"]
    operator_path = "station__site__operator"

    @display(description=_("state"), ordering="state", label=REQUEST_LABELS)
    def state_label(self, request: CertificateRequest) -> tuple[str, str]:
        return labelled(request.state)

    def has_revoke_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("chargepoints.change_station")

    @action(
        description=_("Revoke"),
        url_path="revoke",
        icon="block",
        variant=ActionVariant.DANGER,
        permissions=["revoke"],
    )
    def revoke(self, request: HttpRequest, object_id: int) -> HttpResponse:
        found = self.row_or_404(request, object_id)
        url = reverse("admin:chargepoints_certificaterequest_change", args=[object_id])
        if request.method != "POST":
            question = gettext("Revoke this certificate of %(name)s? It lets nobody in any more.")
            name = found.station.identity
            return confirm(request, question % {"name": name}, url, asks_reason=True)
        actor, reason = cast(User, request.user), request.POST.get("reason", "")
        certificates.revoke(found, actor=actor, reason=reason)
        self.message_user(request, gettext("The certificate is revoked."), messages.SUCCESS)
        return HttpResponseRedirect(url)

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> Any:
        """To revoke only what was signed and still counts."""
        offered = super().get_actions_detail(request, object_id)
        counts = CertificateRequest.objects.filter(pk=object_id, revoked_at=None).exclude(chain="")
        return offered if counts.exists() else []


@admin.register(PasswordChange)
class PasswordChangeAdmin(ReadOnlyAdmin):
    """Which chargers were told a password that they have not used yet; not the password."""

    list_display = ["station", "command"]
    list_display_links = ["station"]
    list_filter = [("station", ScopedAutocompleteFilter)]
    list_select_related = ["station", "command"]
    ordering = ["-id"]
    fields = ["station", "command"]
    operator_path = "station__site__operator"


@admin.register(InstalledCertificate)
class InstalledCertificateAdmin(ReadOnlyAdmin):
    list_display = ["serial_number", "station", "type", "issuer_key_hash", "known_at"]
    list_display_links = ["serial_number"]
    list_filter = [("type", ChoicesDropdownFilter), ("station", ScopedAutocompleteFilter)]
    list_select_related = ["station"]
    exact_search = {"serial_number": str}
    search_help_text = _("A whole serial number.")
    ordering = ["station", "type", "serial_number"]
    operator_path = "station__site__operator"
