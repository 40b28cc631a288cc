"""Firmware updates and uploads of logs: their states, and the words of every OCPP version."""

from enum import StrEnum
from typing import Final

from csms.common.transitions import TransitionTable


class JobKind(StrEnum):
    FIRMWARE = "FIRMWARE"
    LOG = "LOG"


class JobState(StrEnum):
    """ACCEPTED: the charger will do it. SUPERSEDED: it gave it up for a newer one."""

    REQUESTED = "REQUESTED"
    ACCEPTED = "ACCEPTED"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"
    REJECTED = "REJECTED"
    SUPERSEDED = "SUPERSEDED"


JOB_TRANSITIONS: TransitionTable[JobState] = TransitionTable(
    "maintenance job",
    {
        JobState.REQUESTED: frozenset(JobState) - {JobState.REQUESTED},
        JobState.ACCEPTED: frozenset(
            {JobState.RUNNING, JobState.DONE, JobState.FAILED, JobState.SUPERSEDED}
        ),
        JobState.RUNNING: frozenset({JobState.DONE, JobState.FAILED, JobState.SUPERSEDED}),
        # A charger tries again by itself, as often as it was told to.
        JobState.FAILED: frozenset({JobState.RUNNING, JobState.DONE, JobState.SUPERSEDED}),
        JobState.DONE: frozenset(),
        JobState.REJECTED: frozenset(),
        JobState.SUPERSEDED: frozenset(),
    },
)
OPEN_JOB_STATES: Final = frozenset({JobState.REQUESTED, JobState.ACCEPTED, JobState.RUNNING})
_WORDS: Final[dict[JobKind, dict[JobState, tuple[str, ...]]]] = {
    JobKind.FIRMWARE: {
        JobState.RUNNING: (
            "Downloading",
            "Downloaded",
            "DownloadScheduled",
            "DownloadPaused",
            "SignatureVerified",
            "InstallScheduled",
            "Installing",
            "InstallRebooting",
        ),
        JobState.DONE: ("Installed",),
        JobState.FAILED: (
            "DownloadFailed",
            "InstallationFailed",
            "InstallVerificationFailed",
            "InvalidSignature",
            "InvalidCertificate",
            "RevokedCertificate",
        ),
    },
    JobKind.LOG: {
        JobState.RUNNING: ("Uploading",),
        JobState.DONE: ("Uploaded",),
        JobState.FAILED: (
            "UploadFailed",
            "UploadFailure",
            "BadMessage",
            "NotSupportedOperation",
            "PermissionDenied",
        ),
        JobState.SUPERSEDED: ("AcceptedCanceled",),
    },
}
_STATES: Final = {
    (kind, word.lower()): state
    for kind, states in _WORDS.items()
    for state, words in states.items()
    for word in words
}


def state_of(kind: JobKind, word: str) -> JobState | None:
    """What a charger's word means; None for Idle and for words of no version."""
    return _STATES.get((kind, word.lower()))
