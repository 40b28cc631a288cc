"""The console's shell: names, colours and navigation of django-unfold."""

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _


def _item(title: Any, icon: str, name: str, permission: str, **extra: Any) -> dict[str, Any]:
    """One line of the side bar, shown to those whom `permission` allows to see its list."""
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{name}"),
        "permission": lambda request: request.user.has_perm(permission),
        **extra,
    }


NAVIGATION: list[dict[str, Any]] = [
    {
        "title": _("Operations"),
        "items": [
            {"title": _("Dashboard"), "icon": "dashboard", "link": reverse_lazy("admin:index")},
            _item(
                _("Alerts"),
                "notifications_active",
                "chargepoints_alert_changelist",
                "chargepoints.view_alert",
                badge="csms.console.navigation.open_alerts",
                badge_variant="danger",
            ),
            _item(
                _("Stations"),
                "ev_station",
                "chargepoints_station_changelist",
                "chargepoints.view_station",
            ),
            _item(
                _("Sessions"),
                "bolt",
                "transactions_session_changelist",
                "transactions.view_session",
            ),
            _item(
                _("Review queue"),
                "rule",
                "transactions_reviewitem_changelist",
                "transactions.view_reviewitem",
                badge="csms.console.navigation.open_review_items",
                badge_variant="warning",
            ),
            _item(
                _("Reservations"),
                "event_seat",
                "transactions_reservation_changelist",
                "transactions.view_reservation",
            ),
            _item(
                _("Commands"),
                "terminal",
                "chargepoints_command_changelist",
                "chargepoints.view_command",
            ),
        ],
    },
    {
        "title": _("Network"),
        "separator": True,
        "items": [
            _item(
                _("Sites"), "location_on", "chargepoints_site_changelist", "chargepoints.view_site"
            ),
            _item(
                _("Connectors"),
                "electrical_services",
                "chargepoints_connector_changelist",
                "chargepoints.view_connector",
            ),
            _item(
                _("Connections"),
                "lan",
                "ocpp_gateway_stationconnection_changelist",
                "ocpp_gateway.view_stationconnection",
            ),
            _item(
                _("Messages"),
                "forum",
                "ocpp_gateway_message_changelist",
                "ocpp_gateway.view_message",
            ),
            _item(
                _("Anomalies"),
                "warning",
                "chargepoints_stationanomaly_changelist",
                "chargepoints.view_stationanomaly",
            ),
            _item(
                _("Deviations by vendor"),
                "troubleshoot",
                "console_deviations",
                "chargepoints.view_stationanomaly",
            ),
            _item(
                _("Quirk profiles"),
                "build",
                "chargepoints_quirkprofile_changelist",
                "chargepoints.view_quirkprofile",
            ),
        ],
    },
    {
        "title": _("In the chargers"),
        "separator": True,
        "items": [
            _item(
                _("Configuration"),
                "tune",
                "chargepoints_configurationvalue_changelist",
                "chargepoints.view_configurationvalue",
            ),
            _item(
                _("Lists of cards"),
                "list_alt",
                "chargepoints_locallist_changelist",
                "chargepoints.view_locallist",
            ),
            _item(
                _("Charging limits"),
                "speed",
                "chargepoints_chargingprofile_changelist",
                "chargepoints.view_chargingprofile",
            ),
            _item(
                _("Firmware and logs"),
                "system_update",
                "chargepoints_maintenancejob_changelist",
                "chargepoints.view_maintenancejob",
            ),
            _item(
                _("Security events"),
                "security",
                "chargepoints_securityevent_changelist",
                "chargepoints.view_securityevent",
            ),
            _item(
                _("Certificates"),
                "verified_user",
                "chargepoints_certificaterequest_changelist",
                "chargepoints.view_certificaterequest",
            ),
        ],
    },
    {
        "title": _("Prices"),
        "separator": True,
        "items": [
            _item(
                _("Tariffs"), "sell", "transactions_tariff_changelist", "transactions.view_tariff"
            ),
            _item(
                _("Where they apply"),
                "pin_drop",
                "transactions_tariffassignment_changelist",
                "transactions.view_tariffassignment",
            ),
            _item(
                _("Holidays"),
                "event",
                "transactions_holidaycalendar_changelist",
                "transactions.view_holidaycalendar",
            ),
        ],
    },
    {
        "title": _("People and access"),
        "separator": True,
        "items": [
            _item(
                _("Cards and tokens"),
                "contactless",
                "accounts_idtoken_changelist",
                "accounts.view_idtoken",
            ),
            _item(_("Users"), "group", "accounts_user_changelist", "accounts.view_user"),
            _item(_("Sign-ins"), "devices", "accounts_signin_changelist", "accounts.view_signin"),
            _item(
                _("Verifications"),
                "verified_user",
                "accounts_verification_changelist",
                "accounts.view_verification",
            ),
            _item(
                _("Account messages"),
                "outgoing_mail",
                "accounts_accountmessage_changelist",
                "accounts.view_accountmessage",
            ),
            _item(
                _("Operators"), "domain", "accounts_operator_changelist", "accounts.view_operator"
            ),
            _item(_("API keys"), "key", "accounts_apikey_changelist", "accounts.view_apikey"),
            _item(
                _("Set-up links"),
                "link",
                "accounts_staffinvitation_changelist",
                "accounts.view_staffinvitation",
            ),
            _item(
                _("Login attempts"),
                "login",
                "accounts_loginattempt_changelist",
                "accounts.view_loginattempt",
            ),
            _item(
                _("Console sessions"),
                "devices",
                "accounts_consolesession_changelist",
                "accounts.view_consolesession",
            ),
            _item(
                _("Consents"),
                "handshake",
                "accounts_consentrecord_changelist",
                "accounts.view_consentrecord",
            ),
            _item(
                _("Closed accounts"),
                "person_off",
                "accounts_accountdeletion_changelist",
                "accounts.view_accountdeletion",
            ),
            _item(
                _("Copies of personal data"),
                "folder_zip",
                "accounts_dataexport_changelist",
                "accounts.view_dataexport",
            ),
            _item(
                _("Retention"),
                "auto_delete",
                "accounts_retentionrun_changelist",
                "accounts.view_retentionrun",
            ),
            _item(
                _("Audit trail"),
                "history",
                "common_auditentry_changelist",
                "common.view_auditentry",
            ),
        ],
    },
]

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "CSMS",
    "SITE_HEADER": "CSMS",
    "SITE_SUBHEADER": _("Operator console"),
    "SITE_SYMBOL": "ev_station",
    "SITE_URL": None,
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("console/icon.svg")}
    ],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_LANGUAGES": True,
    "LANGUAGES": {"action": reverse_lazy("admin:set_language")},
    "LOGIN": {"form": "csms.console.login.LoginForm"},
    "ACCOUNT": {
        "navigation": [
            {"title": _("My security"), "link": reverse_lazy("admin:console_security")},
            {"title": _("Change password"), "link": reverse_lazy("admin:password_change")},
        ]
    },
    "STYLES": [lambda request: static("console/console.css")],
    "BORDER_RADIUS": "6px",
    "COLORS": {
        "base": {
            "50": "oklch(98.4% .003 220)",
            "100": "oklch(96.6% .005 220)",
            "200": "oklch(92.6% .008 222)",
            "300": "oklch(86.6% .012 225)",
            "400": "oklch(70.4% .022 228)",
            "500": "oklch(54.8% .026 230)",
            "600": "oklch(44.4% .026 232)",
            "700": "oklch(36.8% .024 234)",
            "800": "oklch(27.4% .021 236)",
            "900": "oklch(20.6% .018 238)",
            "950": "oklch(14.2% .014 240)",
        },
        "primary": {
            "50": "oklch(97.6% .014 186)",
            "100": "oklch(94.8% .034 186)",
            "200": "oklch(89.8% .062 187)",
            "300": "oklch(82.6% .088 188)",
            "400": "oklch(72.4% .104 190)",
            "500": "oklch(60.4% .098 193)",
            "600": "oklch(50.6% .086 196)",
            "700": "oklch(43.2% .073 199)",
            "800": "oklch(37.2% .060 202)",
            "900": "oklch(31.6% .049 205)",
            "950": "oklch(23.4% .039 208)",
        },
    },
    # An allow-list with indexed searches: `True` would scan every table without a limit.
    "COMMAND": {"search_callback": "csms.console.navigation.search", "search_models": False},
    "SIDEBAR": {
        "show_search": False,
        "command_search": True,
        "show_all_applications": False,
        "navigation": NAVIGATION,
    },
}
