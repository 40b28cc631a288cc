"""`Idempotency-Key`: one effect, one answer."""

from datetime import timedelta
from threading import Event
from typing import Any

import pytest

from csms.common import clock, idempotency
from csms.common.errors import Conflict, IdempotencyMismatch, InvalidInput
from csms.common.idempotency import Answer, RequestInProgress, run_once
from csms.common.models import IdempotencyRecord
from csms.common.tasks import purge_idempotency_records
from tests.support.threads import in_threads

WHO = {"caller": "user:1", "route": "POST /api/commands", "key": "k"}


class Effect:
    """Counts how often it happened."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> tuple[int, Any]:
        self.count += 1
        return 202, {"number": self.count}


@pytest.mark.django_db
def test_the_same_request_gets_the_same_answer_and_has_one_effect() -> None:
    effect = Effect()
    assert run_once(**WHO, body=b"{}", act=effect) == Answer(202, {"number": 1})
    assert run_once(**WHO, body=b"{}", act=effect) == Answer(202, {"number": 1}, is_replay=True)
    with pytest.raises(IdempotencyMismatch):
        run_once(**WHO, body=b"[]", act=effect)
    assert effect.count == 1
    for other in ({"caller": "user:2"}, {"route": "POST /api/other"}, {"key": "l"}):
        assert not run_once(**{**WHO, **other}, body=b"{}", act=effect).is_replay


@pytest.mark.django_db
def test_an_error_frees_the_key() -> None:
    def refuse() -> tuple[int, Any]:
        raise Conflict

    with pytest.raises(Conflict):
        run_once(**WHO, body=b"{}", act=refuse)
    assert run_once(**WHO, body=b"{}", act=Effect()).status_code == 202


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "k" * 256, "k\x00"])
def test_keys_that_make_no_sense_are_refused(key: str) -> None:
    with pytest.raises(InvalidInput):
        run_once(**{**WHO, "key": key}, body=b"{}", act=Effect())


@pytest.mark.django_db
def test_answers_are_kept_for_a_day_and_abandoned_claims_for_minutes() -> None:
    effect = Effect()
    run_once(**WHO, body=b"{}", act=effect)
    day_ago = clock.now() - idempotency.KEPT_FOR - timedelta(minutes=1)
    IdempotencyRecord.objects.update(created_at=day_ago)
    assert not run_once(**WHO, body=b"[]", act=effect).is_replay

    idempotency.begin(**{**WHO, "key": "lost"}, body=b"{}")
    with pytest.raises(RequestInProgress):
        idempotency.begin(**{**WHO, "key": "lost"}, body=b"{}")
    minutes_ago = clock.now() - idempotency.ABANDONED_AFTER
    IdempotencyRecord.objects.filter(key="lost").update(created_at=minutes_ago)
    assert not isinstance(idempotency.begin(**{**WHO, "key": "lost"}, body=b"{}"), Answer)

    IdempotencyRecord.objects.filter(key="k").update(created_at=day_ago)
    assert purge_idempotency_records() == 1
    assert IdempotencyRecord.objects.get().key == "lost"


@pytest.mark.django_db(transaction=True)
def test_ten_at_once_have_one_effect() -> None:
    effect, others_refused = Effect(), Event()
    refusals: list[int] = []

    def act() -> tuple[int, Any]:
        assert others_refused.wait(30), "the others are refused while this one runs"
        return effect()

    def send(number: int) -> Answer | None:
        try:
            return run_once(**WHO, body=b"{}", act=act)
        except RequestInProgress:
            refusals.append(number)
            if len(refusals) == 9:
                others_refused.set()
            return None

    answers = in_threads(10, send)
    assert [answer for answer in answers if answer] == [Answer(202, {"number": 1})]
    assert effect.count == 1
