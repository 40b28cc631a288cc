"""Which OCPP 1.6 request each version-neutral command becomes: one table."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from ocpp_gateway.versions.v16 import charging
from ocpp_gateway.versions.v16 import parameters as read
from ocpp_gateway.versions.v16.parameters import Field, Request, request

_RETRIES: Final = {
    "retries": Field("retries", read.integer),
    "retry_interval": Field("retryInterval", read.integer),
}
_CERTIFICATE_TYPE: Final = Field(
    "certificateType",
    read.choice(
        central_system_root="CentralSystemRootCertificate",
        manufacturer_root="ManufacturerRootCertificate",
    ),
    required=True,
)


def _nested(outer: str, *names: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return a shape that puts the named fields into an object of their own."""

    def shape(flat: dict[str, Any]) -> dict[str, Any]:
        inner = {name: flat[name] for name in names if name in flat}
        return {**{k: v for k, v in flat.items() if k not in names}, outer: inner}

    return shape


REQUESTS: Final[dict[str, Request]] = {
    "start_charging": request(
        "RemoteStartTransaction",
        {
            "connector_id": Field("connectorId", read.connector),
            "id_token": Field("idTag", read.text, required=True),
            "charging_profile": Field("chargingProfile", charging.profile_of_start),
        },
    ),
    "stop_charging": request(
        "RemoteStopTransaction",
        {"transaction_id": Field("transactionId", read.transaction, required=True)},
    ),
    "reset": request(
        "Reset", {"type": Field("type", read.choice(soft="Soft", hard="Hard"), required=True)}
    ),
    "unlock": request(
        "UnlockConnector", {"connector_id": Field("connectorId", read.connector, required=True)}
    ),
    "change_availability": request(
        "ChangeAvailability",
        {
            "connector_id": Field("connectorId", read.connector_or_station),
            "available": Field("type", read.availability, required=True),
        },
        # 0 is the whole station.
        connectorId=0,
    ),
    "set_configuration": request(
        "ChangeConfiguration",
        {
            "key": Field("key", read.text, required=True),
            "value": Field("value", read.any_text, required=True),
        },
    ),
    "get_configuration": request("GetConfiguration", {"keys": Field("key", read.texts)}),
    "clear_cache": request("ClearCache"),
    "data_transfer": request(
        "DataTransfer",
        {
            "vendor_id": Field("vendorId", read.text, required=True),
            "message_id": Field("messageId", read.any_text),
            "data": Field("data", read.any_text),
        },
    ),
    "trigger": request(
        "TriggerMessage",
        {
            "message": Field("requestedMessage", read.text, required=True),
            "connector_id": Field("connectorId", read.connector_or_station),
        },
    ),
    # The placeholders of the next ones are ours to fill in when the command is sent.
    "reserve": request(
        "ReserveNow",
        {
            "connector_id": Field("connectorId", read.connector_or_station),
            "id_token": Field("idTag", read.text, required=True),
            "expires_at": Field("expiryDate", read.moment, required=True),
            "reservation_id": Field("reservationId", read.identifier),
            "group": Field("parentIdTag", read.text),
        },
        connectorId=0,
        reservationId=0,
    ),
    "cancel_reservation": request(
        "CancelReservation",
        {"reservation_id": Field("reservationId", read.identifier, required=True)},
    ),
    "send_local_list": request(
        "SendLocalList",
        {
            "update_type": Field(
                "updateType", read.choice(full="Full", differential="Differential")
            ),
            "version": Field("listVersion", read.integer),
            "entries": Field("localAuthorizationList", read.list_entries),
        },
        updateType="Full",
        listVersion=0,
    ),
    "get_local_list_version": request("GetLocalListVersion"),
    "set_charging_limit": request(
        "SetChargingProfile",
        charging.PROFILE_FIELDS,
        charging.shape_profile,
        connectorId=0,
        chargingProfileId=0,
        stackLevel=0,
        chargingProfilePurpose="TxDefaultProfile",
        chargingProfileKind="Relative",
        chargingRateUnit="A",
    ),
    "clear_charging_limit": request(
        "ClearChargingProfile",
        {
            "profile_id": Field("id", read.identifier),
            "connector_id": Field("connectorId", read.connector_or_station),
            "purpose": Field("chargingProfilePurpose", read.choice(**charging.PURPOSES)),
            "stack_level": Field("stackLevel", read.integer),
        },
    ),
    "get_composite_schedule": request(
        "GetCompositeSchedule",
        {
            "connector_id": Field("connectorId", read.connector_or_station),
            "duration": Field("duration", read.identifier),
            "unit": Field("chargingRateUnit", read.choice(a="A", w="W")),
        },
        connectorId=0,
        duration=86_400,
    ),
    "update_firmware": request(
        "UpdateFirmware",
        {
            "location": Field("location", read.address, required=True),
            "retrieve_at": Field("retrieveDate", read.moment),
            **_RETRIES,
        },
        retrieveDate="",
    ),
    "get_diagnostics": request(
        "GetDiagnostics",
        {
            "location": Field("location", read.address, required=True),
            "since": Field("startTime", read.moment),
            "until": Field("stopTime", read.moment),
            **_RETRIES,
        },
    ),
    "get_logs": request(
        "GetLog",
        {
            "location": Field("remoteLocation", read.address, required=True),
            "log_type": Field(
                "logType", read.choice(diagnostics="DiagnosticsLog", security="SecurityLog")
            ),
            "since": Field("oldestTimestamp", read.moment),
            "until": Field("latestTimestamp", read.moment),
            "request_id": Field("requestId", read.identifier),
            **_RETRIES,
        },
        _nested("log", "remoteLocation", "oldestTimestamp", "latestTimestamp"),
        logType="DiagnosticsLog",
        requestId=0,
    ),
    "send_certificate": request(
        "CertificateSigned", {"chain": Field("certificateChain", read.text)}, certificateChain=""
    ),
    "install_certificate": request(
        "InstallCertificate",
        {
            "certificate_type": _CERTIFICATE_TYPE,
            "certificate": Field("certificate", read.text, required=True),
        },
    ),
    "get_installed_certificates": request(
        "GetInstalledCertificateIds", {"certificate_type": _CERTIFICATE_TYPE}
    ),
    "delete_certificate": request(
        "DeleteCertificate",
        {
            "hash_algorithm": Field(
                "hashAlgorithm", read.choice(sha256="SHA256", sha384="SHA384", sha512="SHA512")
            ),
            "issuer_name_hash": Field("issuerNameHash", read.text, required=True),
            "issuer_key_hash": Field("issuerKeyHash", read.text, required=True),
            "serial_number": Field("serialNumber", read.text, required=True),
        },
        _nested(
            "certificateHashData",
            "hashAlgorithm",
            "issuerNameHash",
            "issuerKeyHash",
            "serialNumber",
        ),
        hashAlgorithm="SHA256",
    ),
}
# Requests of the security whitepaper that say the same as an older one, and more.
EXTENDED: Final[dict[str, Request]] = {
    "update_firmware": request(
        "SignedUpdateFirmware",
        {
            "location": Field("location", read.address, required=True),
            "retrieve_at": Field("retrieveDateTime", read.moment),
            "install_at": Field("installDateTime", read.moment),
            "signing_certificate": Field("signingCertificate", read.text, required=True),
            "signature": Field("signature", read.text, required=True),
            "request_id": Field("requestId", read.identifier),
            **_RETRIES,
        },
        _nested(
            "firmware",
            "location",
            "retrieveDateTime",
            "installDateTime",
            "signingCertificate",
            "signature",
        ),
        retrieveDateTime="",
        requestId=0,
    ),
    "trigger": request("ExtendedTriggerMessage", REQUESTS["trigger"].fields),
}
_EXTENDED_TRIGGERS: Final = frozenset({"LogStatusNotification", "SignChargePointCertificate"})


def request_for(name: str, parameters: Mapping[str, Any]) -> Request | None:
    """Return the request that says what is asked; None if 1.6 has none."""
    is_signed = name == "update_firmware" and bool(
        {"signature", "signing_certificate"} & parameters.keys()
    )
    is_new_trigger = name == "trigger" and str(parameters.get("message")) in _EXTENDED_TRIGGERS
    return EXTENDED[name] if is_signed or is_new_trigger else REQUESTS.get(name)
