"""Colours of states in the shell's lists."""

from csms.common.state_names import colours

CONNECTOR_LABELS = {
    "Available": "success",
    "Charging": "info",
    "SuspendedEV": "info",
    "SuspendedEVSE": "info",
    "Occupied": "info",
    "Preparing": "warning",
    "Finishing": "warning",
    "Reserved": "warning",
    "Faulted": "danger",
}
COMMAND_LABELS = colours(
    {
        "QUEUED": "warning",
        "SENT": "warning",
        "ACCEPTED": "success",
        "REJECTED": "danger",
        "FAILED": "danger",
        "TIMED_OUT": "danger",
    }
)
PROFILE_LABELS = colours(
    {
        "REQUESTED": "warning",
        "ACTIVE": "success",
        "REJECTED": "danger",
        "FAILED": "danger",
    }
)
JOB_LABELS = colours(
    {
        "REQUESTED": "warning",
        "ACCEPTED": "warning",
        "RUNNING": "info",
        "DONE": "success",
        "FAILED": "danger",
        "REJECTED": "danger",
    }
)
REQUEST_LABELS = colours(
    {
        "PENDING": "warning",
        "SIGNED": "warning",
        "INSTALLED": "success",
        "REFUSED": "danger",
        "REJECTED": "danger",
        "FAILED": "danger",
    }
)
SEVERITY_LABELS = {"CRITICAL": "danger", "WARNING": "warning"}
ALERT_LABELS = {"open": "danger", "acknowledged": "warning", "resolved": "success"}
