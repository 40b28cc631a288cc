"""What each role may do, as one table.

Keys are Django's permission names, `app.action_model`. Whose objects they see is another matter:
the selectors scope every read to the operators of the caller. `docs/permissions.md` is made from
this table and from what the console and the API ask for: `manage.py permission_matrix --write`.
"""

from collections.abc import Mapping

from accounts.domain.states import Role

STAFF_PERMISSIONS: frozenset[str] = frozenset(
    {
        "accounts.view_operator",
        "accounts.view_idtoken",
        "accounts.add_idtoken",
        "accounts.change_idtoken",
        "chargepoints.view_site",
        "chargepoints.add_site",
        "chargepoints.change_site",
        "chargepoints.view_station",
        "chargepoints.add_station",
        "chargepoints.change_station",
        "chargepoints.view_evse",
        "chargepoints.add_evse",
        "chargepoints.change_evse",
        "chargepoints.view_connector",
        "chargepoints.add_connector",
        "chargepoints.change_connector",
        "chargepoints.view_connectorstatusevent",
        "chargepoints.view_stationanomaly",
        "chargepoints.view_quirkprofile",
        "chargepoints.view_alert",
        "chargepoints.change_alert",
        "chargepoints.view_command",
        "chargepoints.add_command",
        "chargepoints.view_configurationvalue",
        "chargepoints.view_locallist",
        "chargepoints.view_locallistentry",
        "chargepoints.view_locallistupdate",
        "chargepoints.view_chargingprofile",
        "chargepoints.view_compositeschedule",
        "chargepoints.view_maintenancejob",
        "chargepoints.view_maintenanceevent",
        "chargepoints.view_securityevent",
        "chargepoints.view_certificaterequest",
        "chargepoints.view_installedcertificate",
        "chargepoints.view_passwordchange",
        "transactions.view_session",
        "transactions.view_reservation",
        "transactions.view_sessionevent",
        "transactions.view_reading",
        "transactions.view_costline",
        "transactions.view_reviewitem",
        "transactions.change_reviewitem",
        "transactions.view_tariff",
        "transactions.add_tariff",
        "transactions.change_tariff",
        "transactions.view_tariffversion",
        "transactions.add_tariffversion",
        "transactions.view_tariffwindow",
        "transactions.add_tariffwindow",
        "transactions.view_tariffassignment",
        "transactions.add_tariffassignment",
        "transactions.view_holidaycalendar",
        "transactions.view_holiday",
        "ocpp_gateway.view_message",
        "ocpp_gateway.view_stationconnection",
        "common.view_auditentry",
    }
)


# What nobody else may: people and their access, keys, and what concerns every operator.
SUPERADMIN_ONLY: frozenset[str] = frozenset(
    {
        "accounts.view_user",
        "accounts.add_user",
        "accounts.change_user",
        "accounts.add_operator",
        "accounts.change_operator",
        "accounts.view_apikey",
        "accounts.add_apikey",
        "accounts.change_apikey",
        "accounts.view_signin",
        "accounts.view_consolesession",
        "accounts.change_consolesession",
        "accounts.view_loginattempt",
        "accounts.view_staffinvitation",
        "accounts.view_verification",
        "accounts.view_accountmessage",
        "accounts.view_externalidentity",
        "accounts.view_consentrecord",
        "accounts.view_accountdeletion",
        "accounts.view_dataexport",
        "accounts.view_retentionrun",
        "invoicing.view_taxinvoiceprofile",
        "chargepoints.view_certificateauthority",
        "chargepoints.add_quirkprofile",
        "chargepoints.change_quirkprofile",
        "transactions.add_holidaycalendar",
        "transactions.change_holidaycalendar",
        "ocpp_gateway.view_gatewaynode",
        "common.view_idempotencyrecord",
    }
)

ROLE_PERMISSIONS: Mapping[Role, frozenset[str]] = {
    Role.DRIVER: frozenset(),
    Role.STAFF: STAFF_PERMISSIONS,
    Role.SUPERADMIN: STAFF_PERMISSIONS | SUPERADMIN_ONLY,
}


def staff_may(permission: str) -> bool:
    return permission in STAFF_PERMISSIONS
