"""The OCPP versions that the gateway speaks, by WebSocket subprotocol."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from chargepoints.domain.quirks import Quirks
from chargepoints.domain.states import CommandStatus
from ocpp_gateway.protocol.connection import Connection, IncomingCall
from ocpp_gateway.versions.inputs import Inbound, NeutralInput, Outgoing
from ocpp_gateway.versions.v16 import inbound as inbound_v16
from ocpp_gateway.versions.v16 import outbound as outbound_v16
from ocpp_gateway.versions.v16 import outcomes as outcomes_v16
from ocpp_gateway.versions.v16 import quirks as quirks_v16


@dataclass(frozen=True, slots=True)
class Adapter:
    """Between the payloads of one OCPP version and the neutral inputs and commands.

    read: a CALL that `Connection` let through → neutral input and anomalies; never raises.
    answer: neutral input and its service's result → payload of the CALLRESULT.
    correct: what `read` returned, the CALL and the charger's quirks → what the charger means.
    build: neutral command, parameters, and the charger's quirks if it has any → request; raises
        InvalidInput naming the parameters.
    interpret, interpret_error: a charger's CALLRESULT or CALLERROR → command status and error text.
    outcome: a request and its valid CALLRESULT → what it says, for the command's effects.
    is_energy_moving: whether a request must never be resent by itself.
    """

    version: str
    subprotocol: str
    read: Callable[[IncomingCall], Inbound]
    correct: Callable[[Inbound, IncomingCall, Quirks], Inbound]
    answer: Callable[[NeutralInput, Any], dict[str, Any]]
    build: Callable[..., Outgoing]
    interpret: Callable[[str, Any], tuple[CommandStatus, str]]
    interpret_error: Callable[[str, str], tuple[CommandStatus, str]]
    outcome: Callable[[str, Any, Any, datetime], dict[str, Any]]
    is_energy_moving: Callable[[str], bool]
    commands: frozenset[str]
    actions: frozenset[str]

    def connection(self, registration: str) -> Connection:
        """Return the protocol state of a new socket; `registration` is the station's stored one."""
        return Connection(self.version, registration)


V16: Final = Adapter(
    version="1.6",
    subprotocol="ocpp1.6",
    read=inbound_v16.read,
    correct=quirks_v16.correct,
    answer=inbound_v16.answer,
    build=outbound_v16.build,
    interpret=outbound_v16.interpret,
    interpret_error=outbound_v16.interpret_error,
    outcome=outcomes_v16.outcome,
    is_energy_moving=outbound_v16.is_energy_moving,
    commands=outbound_v16.COMMANDS,
    actions=outbound_v16.ACTIONS,
)
ADAPTERS: Final[dict[str, Adapter]] = {adapter.subprotocol: adapter for adapter in (V16,)}


def adapter_for(subprotocol: str) -> Adapter | None:
    """Return the adapter of a WebSocket subprotocol (`ocpp1.6`), None if it is not spoken."""
    return ADAPTERS.get(subprotocol)
