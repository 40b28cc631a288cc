"""Every message of OCPP 1.6 and of its security whitepaper is spoken in its direction."""

from chargepoints.services import effects
from csms.command_effects import table
from csms.console.commands import FORMS
from ocpp_gateway.api.serializers import ENVELOPE, CommandRequestSerializer
from ocpp_gateway.dispatch import ROUTES
from ocpp_gateway.protocol.rules import RULES
from ocpp_gateway.protocol.validation import known_actions
from ocpp_gateway.versions import V16
from ocpp_gateway.versions.v16 import inbound
from ocpp_gateway.versions.v16.requests import EXTENDED, REQUESTS

# What nobody asks for: ours to fill in when the command is sent.
FILLED_IN = {"chain", "entries", "group", "request_id", "version"}
BOTH_WAYS = {"DataTransfer"}


def test_all_39_messages_have_their_direction() -> None:
    incoming = RULES["1.6"].incoming
    assert incoming | V16.actions == known_actions("1.6")
    assert incoming & V16.actions == BOTH_WAYS
    assert len(incoming | V16.actions) == 39
    assert incoming == inbound.ACTIONS


def test_every_request_has_a_command_of_its_own() -> None:
    spoken = {request.action for request in (*REQUESTS.values(), *EXTENDED.values())}
    assert spoken == V16.actions


def test_every_parameter_stands_in_the_apis_document() -> None:
    requests = (*REQUESTS.values(), *EXTENDED.values())
    parameters = {name for request in requests for name in request.fields}
    documented = CommandRequestSerializer().fields.keys() - {"evse_id", *ENVELOPE}
    assert documented == parameters - FILLED_IN


def test_what_can_be_asked_for_is_in_step() -> None:
    assert table().keys() <= V16.commands
    assert table().keys() <= effects._effects.keys(), "registered when the program starts"
    assert FORMS.keys() <= V16.commands
    assert V16.commands - FORMS.keys() == {"delete_certificate", "send_certificate"}


def test_every_input_that_is_read_has_a_route() -> None:
    readable = {"Authorize", "BootReport", "DataTransfer", "Heartbeat", "ProgressReport"}
    readable |= {"Readings", "SecurityReport", "SessionStart", "SessionStop"}
    assert {kind.__name__ for kind in ROUTES} == readable | {"SigningRequest", "StatusReport"}
