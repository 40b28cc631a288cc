import sys
from types import ModuleType

import pytest

from csms import celery as celery_module
from csms import celery_app


def test_every_scheduled_task_exists() -> None:
    celery_app.loader.import_default_modules()
    schedule = celery_app.conf.beat_schedule
    unknown = {entry["task"] for entry in schedule.values()} - set(celery_app.tasks)
    assert unknown == set()
    assert schedule == celery_module.collect_schedule()


def test_two_packages_cannot_schedule_the_same_name(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("tests.support.schedule")
    module.BEAT_SCHEDULE = {"twice": {"task": "x", "schedule": 1}}  # type: ignore[attr-defined]
    module.__spec__ = sys.modules["tests.support"].__spec__
    monkeypatch.setitem(sys.modules, "tests.support.schedule", module)
    monkeypatch.setattr(celery_module, "SCHEDULED_PACKAGES", ("tests.support",) * 2)
    with pytest.raises(ValueError, match="twice"):
        celery_module.collect_schedule()


def test_jobs_survive_a_lost_worker() -> None:
    assert celery_app.conf.task_acks_late
    assert celery_app.conf.task_reject_on_worker_lost
    assert celery_app.conf.task_ignore_result
