"""ONE table: command -> what follows from it in the rows, in the same transaction."""

from chargepoints.services import effects


def table() -> dict[str, effects.Effects]:
    from chargepoints.services import (
        certificates,
        charging_limits,
        configuration,
        local_lists,
        maintenance,
        security_settings,
    )
    from transactions.services import remote_control, reserving

    return {
        "cancel_reservation": reserving.CANCEL,
        "clear_charging_limit": charging_limits.CLEAR,
        "delete_certificate": certificates.DELETE,
        "get_composite_schedule": charging_limits.COMPOSITE,
        "get_configuration": configuration.READ,
        "get_diagnostics": maintenance.DIAGNOSTICS,
        "get_installed_certificates": certificates.LIST,
        "get_local_list_version": local_lists.GET_VERSION,
        "get_logs": maintenance.LOGS,
        "install_certificate": certificates.INSTALL,
        "ocpp": security_settings.RAW,
        "reserve": reserving.RESERVE,
        "send_certificate": certificates.DELIVER,
        "send_local_list": local_lists.SEND_LIST,
        "set_charging_limit": charging_limits.SET,
        "start_charging": remote_control.START,
        "set_configuration": security_settings.CHANGE,
        "update_firmware": maintenance.FIRMWARE,
    }


def register() -> None:
    for name, effect in table().items():
        effects.register(name, effect)
