"""Firmware updates and uploads of logs: asked for by commands, followed by reports for hours."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max, Q

from chargepoints.domain.maintenance import (
    JOB_TRANSITIONS,
    OPEN_JOB_STATES,
    JobKind,
    JobState,
    state_of,
)
from chargepoints.domain.reports import ProgressReport
from chargepoints.domain.states import CommandStatus
from chargepoints.domain.text import fit
from chargepoints.locks import lock_jobs, lock_station
from chargepoints.models import Command, MaintenanceEvent, MaintenanceJob
from chargepoints.services import anomalies
from chargepoints.services.effects import Effects, Outcome
from csms.common import clock

STATUS_LENGTH = 50
FILE_LENGTH = 255
_KINDS = {
    "update_firmware": JobKind.FIRMWARE,
    "get_diagnostics": JobKind.LOG,
    "get_logs": JobKind.LOG,
}
# The charger's reports without a number belong to the newest of these.
_REPORTED_ON = [*OPEN_JOB_STATES, JobState.FAILED]


def _request(command: Command) -> None:
    lock_station(command.station_id)
    highest = MaintenanceJob.objects.filter(station_id=command.station_id).aggregate(
        highest=Max("request_id")
    )["highest"]
    MaintenanceJob.objects.create(
        station_id=command.station_id,
        kind=_KINDS[command.name].value,
        request_id=(highest or 0) + 1,
        command=command,
        created_at=clock.now(),
    )


def _complete_firmware(command: Command) -> dict[str, Any]:
    parameters = {**command.parameters}
    parameters.setdefault("retrieve_at", clock.now().isoformat())
    if parameters.get("signature"):
        parameters["request_id"] = _number_of(command)
    return parameters


def _complete_logs(command: Command) -> dict[str, Any]:
    return {**command.parameters, "request_id": _number_of(command)}


def _number_of(command: Command) -> int:
    return MaintenanceJob.objects.values_list("request_id", flat=True).get(command=command)


_STATE_OF_ANSWER = {
    CommandStatus.ACCEPTED: JobState.ACCEPTED,
    CommandStatus.REJECTED: JobState.REJECTED,
    CommandStatus.FAILED: JobState.FAILED,
    CommandStatus.EXPIRED: JobState.FAILED,
    CommandStatus.CANCELLED: JobState.FAILED,
    # TIMED_OUT is not here: the charger may be at it.
}


def _end(command: Command, outcome: Outcome) -> None:
    state = _STATE_OF_ANSWER.get(CommandStatus(command.status))
    kind = _KINDS[command.name]
    concerned = Q(command=command) | Q(kind=kind.value, state__in=OPEN_JOB_STATES)
    jobs = lock_jobs(command.station_id, concerned)
    job = next((job for job in jobs if job.command_id == command.pk), None)
    if state is None or job is None:
        return
    at = command.answered_at or clock.now()
    file_name = outcome.get("file_name")
    if state is JobState.ACCEPTED and file_name == "":
        state, job.progress = JobState.REJECTED, "NoFile"  # 1.6 §6.17: there is nothing to upload.
    job.file_name = fit(str(file_name or ""), FILE_LENGTH)
    job.save(update_fields=["file_name", "progress"])
    # A report may have come before the answer: then it runs already, or is done.
    if job.state == JobState.REQUESTED:
        _move(job, state, at)
    if outcome.get("status") == "AcceptedCanceled":
        for older in jobs:
            if older.pk < job.pk and older.state in OPEN_JOB_STATES:
                _move(older, JobState.SUPERSEDED, at)


def _move(job: MaintenanceJob, state: JobState, at: datetime) -> None:
    if not JOB_TRANSITIONS.allows(JobState(job.state), state):
        return
    job.state = state.value
    job.ended_at = None if state in OPEN_JOB_STATES else at
    job.save(update_fields=["state", "ended_at"])


FIRMWARE = Effects(requested=_request, completed=_complete_firmware, ended=_end)
DIAGNOSTICS = Effects(requested=_request, ended=_end)
LOGS = Effects(requested=_request, completed=_complete_logs, ended=_end)


def _job_of(station_id: int, report: ProgressReport) -> MaintenanceJob | None:
    """The job that a report speaks of, locked."""
    wanted = Q(station_id=station_id, kind=report.kind.value)
    number = report.request_id
    if number is None:
        wanted &= Q(state__in=_REPORTED_ON)
    else:
        # What no row can hold belongs to none.
        wanted &= Q(request_id=number if 0 <= number < 2**31 else 0)
    newest = MaintenanceJob.objects.filter(wanted).order_by("-pk").values_list("pk", flat=True)
    found = lock_jobs(station_id, Q(pk__in=list(newest[:1])))
    return found[0] if found else None


@transaction.atomic
def report_progress(station_id: int, report: ProgressReport) -> None:
    """Keep a report, and bring the job that it speaks of up to date."""
    status = fit(report.status, STATUS_LENGTH)
    job = _job_of(station_id, report)
    MaintenanceEvent.objects.create(
        station_id=station_id,
        job=job,
        kind=report.kind.value,
        status=status,
        request_id=report.request_id,
        received_at=report.received_at,
    )
    state = state_of(report.kind, status)
    if job is None:
        if state is not None:
            detail = f"{report.kind}: {status} ({report.request_id})"
            anomalies.record(station_id, "maintenance_not_asked", detail, report.received_at)
        return
    job.progress, job.progress_at = status, report.received_at
    job.save(update_fields=["progress", "progress_at"])
    if state is not None and state != job.state:
        _move(job, state, report.received_at)
