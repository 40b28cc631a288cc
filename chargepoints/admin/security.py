"""Security events and certificates."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from chargepoints.admin.labels import REQUEST_LABELS
from chargepoints.models import (
    CertificateAuthority,
    CertificateRequest,
    InstalledCertificate,
    SecurityEvent,
)
from csms.common.admin import ReadOnlyAdmin, ScopedAutocompleteFilter


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
    list_display = ["received_at", "station", "state_label", "detail", "serial_number"]
    list_display_links = ["received_at"]
    list_filter = [("state", ChoicesDropdownFilter), ("station", ScopedAutocompleteFilter)]
    list_select_related = ["station"]
    ordering = ["-id"]
    operator_path = "station__site__operator"

    @display(description=_("state"), ordering="state", label=REQUEST_LABELS)
    def state_label(self, request: CertificateRequest) -> str:
        return request.state


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
