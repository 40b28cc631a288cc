"""The Celery app. What runs when stands in the `schedule` module of each app."""

import os
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import structlog
from celery import Celery, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "csms.settings.local")

SCHEDULED_PACKAGES = ("csms.common", "accounts", "chargepoints", "transactions", "ocpp_gateway")

app = Celery("csms")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def collect_schedule() -> dict[str, Any]:
    """Every package's `schedule.BEAT_SCHEDULE`; `ValueError` on a name used twice."""
    entries: dict[str, Any] = {}
    for package in SCHEDULED_PACKAGES:
        if find_spec(f"{package}.schedule") is None:
            continue
        for name, entry in import_module(f"{package}.schedule").BEAT_SCHEDULE.items():
            if name in entries:
                raise ValueError(f"Two packages schedule {name!r}.")
            entries[name] = entry
    return entries


# Only once settings are loaded: the schedule modules may read them.
@app.on_after_configure.connect
def _add_schedule(sender: Celery, **_kwargs: Any) -> None:
    sender.conf.beat_schedule = collect_schedule()


@signals.setup_logging.connect
def _configure_logging(**_kwargs: Any) -> None:
    from csms import logs

    logs.configure()


@signals.task_prerun.connect
def _bind_task(task_id: str, task: Any, **_kwargs: Any) -> None:
    structlog.contextvars.bind_contextvars(task_id=task_id, task=task.name)


@signals.task_postrun.connect
def _unbind_task(**_kwargs: Any) -> None:
    structlog.contextvars.unbind_contextvars("task_id", "task")
