"""One socket of a simulated charger: what the management system may ask of it (OCPP 1.6)."""

from typing import TYPE_CHECKING, Any

from ocpp.routing import after, on
from ocpp.v16 import ChargePoint, call_result
from ocpp.v16.enums import (
    Action,
    AvailabilityStatus,
    ClearCacheStatus,
    ConfigurationStatus,
    DataTransferStatus,
    MessageTrigger,
    RemoteStartStopStatus,
    ResetStatus,
    TriggerMessageStatus,
    UnlockStatus,
)

if TYPE_CHECKING:
    from simulators.charger import Charger

TRIGGERS = frozenset(
    {
        MessageTrigger.boot_notification,
        MessageTrigger.heartbeat,
        MessageTrigger.meter_values,
        MessageTrigger.status_notification,
    }
)
READ_ONLY = frozenset(
    {"NumberOfConnectors", "SupportedFeatureProfiles", "ChargeProfileMaxStackLevel"}
)


class Link(ChargePoint):
    """Answers at once and leaves everything that takes time, or that calls back, to the charger."""

    def __init__(self, charger: "Charger", connection: Any, response_timeout: float) -> None:
        super().__init__(charger.identity, connection, response_timeout)
        self.charger = charger

    @on(Action.remote_start_transaction)
    def on_remote_start(
        self, id_tag: str, connector_id: int | None = None, **_rest: Any
    ) -> call_result.RemoteStartTransaction:
        connector = self.charger.free_connector(connector_id)
        if connector is None:
            return call_result.RemoteStartTransaction(RemoteStartStopStatus.rejected)
        self.charger.start_remotely(connector, id_tag)
        return call_result.RemoteStartTransaction(RemoteStartStopStatus.accepted)

    @on(Action.remote_stop_transaction)
    def on_remote_stop(
        self, transaction_id: int, **_rest: Any
    ) -> call_result.RemoteStopTransaction:
        stopped = self.charger.stop_transaction(transaction_id, "Remote")
        return call_result.RemoteStopTransaction(
            RemoteStartStopStatus.accepted if stopped else RemoteStartStopStatus.rejected
        )

    @on(Action.reset)
    def on_reset(self, **_rest: Any) -> call_result.Reset:
        return call_result.Reset(ResetStatus.accepted)

    @after(Action.reset)
    def after_reset(self, type: str, **_rest: Any) -> None:
        self.charger.reset_soon("HardReset" if type == "Hard" else "SoftReset")

    @on(Action.unlock_connector)
    def on_unlock(self, connector_id: int, **_rest: Any) -> call_result.UnlockConnector:
        connector = self.charger.connector(connector_id)
        if connector is None:
            return call_result.UnlockConnector(UnlockStatus.not_supported)
        if connector.session is not None:
            connector.session.stop("UnlockCommand")
        return call_result.UnlockConnector(UnlockStatus.unlocked)

    @on(Action.change_availability)
    def on_change_availability(
        self, connector_id: int, type: str, **_rest: Any
    ) -> call_result.ChangeAvailability:
        connectors = self.charger.connectors_at(connector_id)
        if not connectors:
            return call_result.ChangeAvailability(AvailabilityStatus.rejected)
        busy = any(connector.session is not None for connector in connectors)
        self.charger.change_availability(connectors, is_operative=type == "Operative")
        return call_result.ChangeAvailability(
            AvailabilityStatus.scheduled if busy else AvailabilityStatus.accepted
        )

    @on(Action.get_configuration)
    def on_get_configuration(
        self, key: list[str] | None = None, **_rest: Any
    ) -> call_result.GetConfiguration:
        known = self.charger.configuration
        wanted = key or list(known)
        return call_result.GetConfiguration(
            configuration_key=[
                {"key": name, "readonly": name in READ_ONLY, "value": known[name]}
                for name in wanted
                if name in known
            ],
            unknown_key=[name for name in wanted if name not in known],
        )

    @on(Action.change_configuration)
    def on_change_configuration(
        self, key: str, value: str, **_rest: Any
    ) -> call_result.ChangeConfiguration:
        return call_result.ChangeConfiguration(self._configure(key, value))

    def _configure(self, key: str, value: str) -> ConfigurationStatus:
        if key not in self.charger.configuration:
            return ConfigurationStatus.not_supported
        if key in READ_ONLY or (key.endswith("Interval") and not value.isdigit()):
            return ConfigurationStatus.rejected
        self.charger.configuration[key] = value
        return ConfigurationStatus.accepted

    @on(Action.clear_cache)
    def on_clear_cache(self, **_rest: Any) -> call_result.ClearCache:
        return call_result.ClearCache(ClearCacheStatus.accepted)

    @on(Action.data_transfer)
    def on_data_transfer(
        self, vendor_id: str, data: str | None = None, **_rest: Any
    ) -> call_result.DataTransfer:
        if vendor_id != self.charger.hardware.vendor:
            return call_result.DataTransfer(DataTransferStatus.unknown_vendor_id)
        return call_result.DataTransfer(DataTransferStatus.accepted, data=data)

    @on(Action.trigger_message)
    def on_trigger_message(
        self, requested_message: str, **_rest: Any
    ) -> call_result.TriggerMessage:
        is_known = requested_message in TRIGGERS
        return call_result.TriggerMessage(
            TriggerMessageStatus.accepted if is_known else TriggerMessageStatus.not_implemented
        )

    @after(Action.trigger_message)
    def after_trigger_message(
        self, requested_message: str, connector_id: int | None = None, **_rest: Any
    ) -> None:
        if requested_message in TRIGGERS:
            self.charger.send_triggered(requested_message, connector_id)
