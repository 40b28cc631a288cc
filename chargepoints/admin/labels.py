"""Colours of states in the shell's lists."""

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
COMMAND_LABELS = {
    "QUEUED": "warning",
    "SENT": "warning",
    "ACCEPTED": "success",
    "REJECTED": "danger",
    "FAILED": "danger",
    "TIMED_OUT": "danger",
}
PROFILE_LABELS = {
    "REQUESTED": "warning",
    "ACTIVE": "success",
    "REJECTED": "danger",
    "FAILED": "danger",
}
JOB_LABELS = {
    "REQUESTED": "warning",
    "ACCEPTED": "warning",
    "RUNNING": "info",
    "DONE": "success",
    "FAILED": "danger",
    "REJECTED": "danger",
}
REQUEST_LABELS = {
    "PENDING": "warning",
    "SIGNED": "warning",
    "INSTALLED": "success",
    "REFUSED": "danger",
    "REJECTED": "danger",
    "FAILED": "danger",
}
