"""What STAFF may do, as one table; SUPERADMIN may do everything.

Keys are Django's permission names, `app.action_model`. Whose objects they see is another matter:
the selectors scope every read to the operators of the caller.
"""

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


def staff_may(permission: str) -> bool:
    return permission in STAFF_PERMISSIONS
