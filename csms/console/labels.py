"""Names for the states that live pages show, in the reader's language.

The feeds carry codes only, so that one feed serves readers of every language.
"""

from django.utils.translation import gettext_lazy as _

from chargepoints.domain.states import CommandStatus, ConnectorStatus
from chargepoints.models import Alert
from transactions.domain.states import SessionState
from transactions.models import CostLine, ReviewItem

CONNECTOR = {
    ConnectorStatus.UNKNOWN: _("Unknown"),
    ConnectorStatus.AVAILABLE: _("Available"),
    ConnectorStatus.PREPARING: _("Preparing"),
    ConnectorStatus.CHARGING: _("Charging"),
    ConnectorStatus.SUSPENDED_EV: _("Paused by the car"),
    ConnectorStatus.SUSPENDED_EVSE: _("Paused by the charger"),
    ConnectorStatus.FINISHING: _("Finishing"),
    ConnectorStatus.OCCUPIED: _("Occupied"),
    ConnectorStatus.RESERVED: _("Reserved"),
    ConnectorStatus.UNAVAILABLE: _("Out of service"),
    ConnectorStatus.FAULTED: _("Faulted"),
}
SESSION = {
    SessionState.PENDING: _("Pending"),
    SessionState.STARTING: _("Starting"),
    SessionState.ACTIVE: _("Charging"),
    SessionState.INTERRUPTED: _("Interrupted"),
    SessionState.ENDED: _("Ended"),
    SessionState.CANCELLED: _("Cancelled"),
    SessionState.FAILED: _("Failed"),
}
COMMAND = {
    CommandStatus.QUEUED: _("Queued"),
    CommandStatus.SENT: _("Sent"),
    CommandStatus.ACCEPTED: _("Accepted"),
    CommandStatus.REJECTED: _("Rejected"),
    CommandStatus.FAILED: _("Failed"),
    CommandStatus.TIMED_OUT: _("No answer"),
    CommandStatus.EXPIRED: _("Expired"),
    CommandStatus.CANCELLED: _("Cancelled"),
}
# Colour of each state, one of: good, busy, wait, bad, off.
TONES: dict[str, str] = {
    "Available": "good",
    "Preparing": "wait",
    "Charging": "busy",
    "SuspendedEV": "busy",
    "SuspendedEVSE": "busy",
    "Finishing": "wait",
    "Occupied": "busy",
    "Reserved": "wait",
    "Faulted": "bad",
    "PENDING": "wait",
    "STARTING": "wait",
    "ACTIVE": "busy",
    "INTERRUPTED": "bad",
    "ENDED": "good",
    "FAILED": "bad",
    "CRITICAL": "bad",
    "WARNING": "wait",
    "QUEUED": "wait",
    "SENT": "wait",
    "ACCEPTED": "good",
    "REJECTED": "bad",
    "TIMED_OUT": "bad",
}
# The same states in the shell's own lists.
LABEL_OF_TONE = {"good": "success", "busy": "info", "wait": "warning", "bad": "danger"}


def for_page() -> dict[str, dict[str, str]]:
    """All labels as plain text, for the page's script."""
    return {
        "states": {
            str(code.value): str(text) for code, text in (*CONNECTOR.items(), *SESSION.items())
        },
        "commands": {str(code.value): str(text) for code, text in COMMAND.items()},
        "lines": {code: str(text) for code, text in CostLine.Kind.choices},
        "alerts": {code: str(text) for code, text in Alert.Kind.choices},
        "severities": {code: str(text) for code, text in Alert.Severity.choices},
        "review": {code: str(text) for code, text in ReviewItem.Kind.choices},
        "tones": TONES,
        "words": {key: str(text) for key, text in WORDS.items()},
    }


WORDS = {
    "live": _("Live"),
    "connecting": _("Connecting…"),
    "lost": _("Connection lost. Trying again…"),
    "signed_out": _("Signed out. Reload the page to sign in."),
    "online": _("Online"),
    "offline": _("Offline"),
    "archived": _("Archived"),
    "whole_station": _("Station"),
    "no_connectors": _("no connectors"),
    "in": _("from the charger"),
    "out": _("to the charger"),
    "no_answer": _("no answer yet"),
    "late": _("late"),
    "times": _("times"),
    "power": _("Power"),
    "energy": _("Energy"),
    "soc": _("State of charge"),
    "running": _("running"),
    "open": _("open"),
    "acknowledged": _("acknowledged"),
    "resolved": _("resolved"),
    "send_failed": _("The command was not sent. Check the connection and try again."),
    "minutes": _("min"),
    "hours": _("h"),
    "seconds": _("s"),
    "ago": _("ago"),
    "not_priced": _("not priced yet"),
}
