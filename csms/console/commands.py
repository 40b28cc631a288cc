"""The commands that the charger's page offers, and the form of each, as one table."""

import json
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Choices = list[tuple[str, str | Promise]]


class CommandForm(forms.Form):
    """Base: what every command asks for. `cleaned_parameters` is what the service gets."""

    name = ""
    label: str | Promise = ""
    # Shown above the fields: what a person should know before sending it.
    hint: str | Promise = ""
    is_disruptive = False

    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        required=False,
        help_text=_("Kept in the audit trail."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, evses: list[int], open_transactions: Choices, **kwargs: Any):
        super().__init__(*args, **{"prefix": self.name, **kwargs})
        if "evse_id" in self.fields:
            field: Any = self.fields["evse_id"]
            field.choices = [(str(n), str(n)) for n in evses]
            if not field.required or getattr(self, "offers_whole_station", False):
                field.choices = [("0", _("The whole station")), *field.choices]
        if "transaction_id" in self.fields:
            self.fields["transaction_id"].widget = forms.Select(choices=open_transactions)

    def cleaned_parameters(self) -> dict[str, Any]:
        return {
            key: value
            for key, value in self.cleaned_data.items()
            if key != "reason" and value not in ("", None)
        }


def _connector(**options: Any) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(label=_("Connector"), coerce=int, **options)


class StartCharging(CommandForm):
    name = "start_charging"
    label = _("Start charging")
    evse_id = _connector()
    id_token = forms.CharField(
        label=_("Card or token"), max_length=20, help_text=_("The session is booked to it.")
    )


class StopCharging(CommandForm):
    name = "stop_charging"
    label = _("Stop charging")
    transaction_id = forms.CharField(label=_("Session"), max_length=36)


class Reset(CommandForm):
    name = "reset"
    label = _("Restart the charger")
    hint = _("A hard restart ends running sessions at once.")
    is_disruptive = True
    type = forms.ChoiceField(
        label=_("How"), choices=[("Soft", _("Soft: ends sessions first")), ("Hard", _("Hard"))]
    )


class Unlock(CommandForm):
    name = "unlock"
    label = _("Unlock the connector")
    evse_id = _connector()


class ChangeAvailability(CommandForm):
    name = "change_availability"
    label = _("Take in or out of service")
    offers_whole_station = True
    evse_id = _connector()
    available = forms.TypedChoiceField(
        label=_("Then it is"),
        choices=[("true", _("In service")), ("false", _("Out of service"))],
        coerce=lambda value: value == "true",
    )


class GetConfiguration(CommandForm):
    name = "get_configuration"
    label = _("Read the configuration")
    keys = forms.CharField(
        label=_("Keys"),
        required=False,
        help_text=_("Separated by commas; empty reads all."),
    )

    def clean_keys(self) -> list[str] | None:
        return [key.strip() for key in self.cleaned_data["keys"].split(",") if key.strip()] or None


class SetConfiguration(CommandForm):
    name = "set_configuration"
    label = _("Change the configuration")
    key = forms.CharField(label=_("Key"), max_length=50)
    # How long it may be is known of each charger.
    value = forms.CharField(label=_("Value"))


class Trigger(CommandForm):
    name = "trigger"
    label = _("Ask for a message")
    message = forms.ChoiceField(
        label=_("Message"),
        choices=[
            (name, name)
            for name in (
                "BootNotification",
                "Heartbeat",
                "MeterValues",
                "StatusNotification",
                "DiagnosticsStatusNotification",
                "FirmwareStatusNotification",
            )
        ],
    )
    evse_id = _connector(required=False)

    def cleaned_parameters(self) -> dict[str, Any]:
        return {k: v for k, v in super().cleaned_parameters().items() if (k, v) != ("evse_id", 0)}


class ClearCache(CommandForm):
    name = "clear_cache"
    label = _("Clear the authorization cache")


class DataTransfer(CommandForm):
    name = "data_transfer"
    label = _("Data transfer")
    vendor_id = forms.CharField(label=_("Vendor id"), max_length=255)
    message_id = forms.CharField(label=_("Message id"), max_length=50, required=False)
    data = forms.CharField(  # type: ignore[assignment]
        label=_("Data"), required=False, widget=forms.Textarea(attrs={"rows": 3})
    )


def _moment(**options: Any) -> forms.DateTimeField:
    return forms.DateTimeField(
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        **options,
    )


class Reserve(CommandForm):
    name = "reserve"
    label = _("Reserve")
    offers_whole_station = True
    evse_id = _connector()
    id_token = forms.CharField(label=_("Card or token"), max_length=20)
    expires_at = _moment(label=_("Until"))

    def cleaned_parameters(self) -> dict[str, Any]:
        parameters = super().cleaned_parameters()
        return {**parameters, "expires_at": parameters["expires_at"].isoformat()}


class CancelReservation(CommandForm):
    name = "cancel_reservation"
    label = _("Cancel a reservation")
    reservation_id = forms.IntegerField(label=_("Reservation number"), min_value=1)


class SendLocalList(CommandForm):
    name = "send_local_list"
    label = _("Send the list of cards")
    hint = _("What the charger uses to decide by itself while it is offline.")
    update_type = forms.ChoiceField(
        label=_("How much"),
        choices=[("differential", _("What has changed")), ("full", _("The whole list"))],
    )


class GetLocalListVersion(CommandForm):
    name = "get_local_list_version"
    label = _("Ask for the version of the list of cards")


class SetChargingLimit(CommandForm):
    name = "set_charging_limit"
    label = _("Limit the power")
    offers_whole_station = True
    evse_id = _connector()
    limit = forms.DecimalField(label=_("Limit"), min_value=0, max_digits=9, decimal_places=1)
    unit = forms.ChoiceField(label=_("Unit"), choices=[("A", _("Ampere")), ("W", _("Watt"))])
    stack_level = forms.IntegerField(label=_("Stack level"), min_value=0, required=False)


class ClearChargingLimit(CommandForm):
    name = "clear_charging_limit"
    label = _("Lift the limits")
    offers_whole_station = True
    evse_id = _connector()


class GetCompositeSchedule(CommandForm):
    name = "get_composite_schedule"
    label = _("Ask what power is allowed")
    offers_whole_station = True
    evse_id = _connector()


class UpdateFirmware(CommandForm):
    name = "update_firmware"
    label = _("Update the firmware")
    is_disruptive = True
    location = forms.CharField(label=_("Address of the file"), max_length=512)


class GetDiagnostics(CommandForm):
    name = "get_diagnostics"
    label = _("Fetch diagnostics")
    location = forms.CharField(label=_("Where to upload"), max_length=512)


class GetLogs(CommandForm):
    name = "get_logs"
    label = _("Fetch a log")
    location = forms.CharField(label=_("Where to upload"), max_length=512)
    log_type = forms.ChoiceField(
        label=_("Log"),
        choices=[("diagnostics", _("Diagnostics")), ("security", _("Security"))],
    )


CERTIFICATE_TYPES: Choices = [
    ("central_system_root", _("Of this system")),
    ("manufacturer_root", _("Of the manufacturer")),
]


class InstallCertificate(CommandForm):
    name = "install_certificate"
    label = _("Install a root certificate")
    is_disruptive = True
    certificate_type = forms.ChoiceField(label=_("Whose"), choices=CERTIFICATE_TYPES)
    certificate = forms.CharField(
        label=_("Certificate (PEM)"), widget=forms.Textarea(attrs={"rows": 6})
    )


class GetInstalledCertificates(CommandForm):
    name = "get_installed_certificates"
    label = _("List the root certificates")
    certificate_type = forms.ChoiceField(label=_("Whose"), choices=CERTIFICATE_TYPES)


class RawRequest(CommandForm):
    name = "ocpp"
    label = _("Raw OCPP request")
    hint = _("Sent as it is, once the charger's schema allows it.")
    is_disruptive = True
    action = forms.CharField(label=_("Action"), max_length=50)
    payload = forms.CharField(
        label=_("Payload (JSON)"), initial="{}", widget=forms.Textarea(attrs={"rows": 6})
    )

    def clean_payload(self) -> dict[str, Any]:
        try:
            payload = json.loads(self.cleaned_data["payload"])
        except ValueError as error:
            raise forms.ValidationError(_("This is no JSON.")) from error
        if not isinstance(payload, dict):
            raise forms.ValidationError(_("The payload must be a JSON object."))
        return payload


FORMS: dict[str, type[CommandForm]] = {
    form.name: form
    for form in (
        StartCharging,
        StopCharging,
        Reset,
        Unlock,
        ChangeAvailability,
        Trigger,
        GetConfiguration,
        SetConfiguration,
        ClearCache,
        Reserve,
        CancelReservation,
        SendLocalList,
        GetLocalListVersion,
        SetChargingLimit,
        ClearChargingLimit,
        GetCompositeSchedule,
        UpdateFirmware,
        GetDiagnostics,
        GetLogs,
        InstallCertificate,
        GetInstalledCertificates,
        DataTransfer,
        RawRequest,
    )
}
