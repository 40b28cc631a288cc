"""The command outbox: once into the queue, once out of it, one final state."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from chargepoints.domain.states import CommandStatus
from chargepoints.events import CommandRequested, CommandSettled
from chargepoints.models import Command, Station
from chargepoints.services import archiving, commands
from csms.common import clock, events
from csms.common.audit import SystemActor
from csms.common.errors import Conflict, IdempotencyMismatch, InvalidInput
from csms.common.models import AuditEntry
from csms.common.transitions import IllegalTransition
from tests.support.factories import make_staff, make_station
from tests.support.threads import in_threads

ACTOR = SystemActor("test")


def ask(station: Station, name: str = "reset", **options: Any) -> Command:
    parameters = options.pop("parameters", {"type": "Soft"})
    return commands.request(station, name, parameters, actor=ACTOR, **options)


def claim_and_send(station: Station, *, epoch: int = 1, message_id: str = "m1") -> Command | None:
    with transaction.atomic():
        command = commands.claim_next(station.pk, epoch=epoch)
        if command is not None:
            commands.mark_sent(
                command, action="Reset", message_id=message_id, request={}, epoch=epoch
            )
    return command


@pytest.mark.django_db
def test_a_request_leaves_a_row_an_audit_entry_and_an_event(
    django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[events.Event] = []
    monkeypatch.setattr(events, "_handlers", {CommandRequested: [seen.append]})
    station, staff = make_station(), make_staff()
    with django_capture_on_commit_callbacks(execute=True):
        command = commands.request(
            station, "reset", {"type": "Soft"}, actor=staff, reason="does not answer"
        )
        assert seen == []
    assert seen == [CommandRequested(station.pk)]
    assert (command.status, command.actor, command.reason) == ("QUEUED", staff, "does not answer")
    entry = AuditEntry.objects.get(object_id=str(command.pk))
    assert (entry.action, entry.reason, entry.actor) == ("command.request", command.reason, staff)
    assert entry.changes["station"] == station.identity
    assert commands.queued_stations([station.pk, 0]) == {station.pk}
    assert commands.queued_stations([0]) == set()
    assert commands.queued_stations() == {station.pk}


@pytest.mark.django_db
def test_an_idempotency_key_gives_the_same_row_or_a_refusal() -> None:
    station = make_station()
    first = ask(station, idempotency_key="k")
    assert ask(station, idempotency_key="k").pk == first.pk
    others: tuple[dict[str, Any], ...] = (
        {"station": make_station()},
        {"name": "unlock"},
        {"parameters": {"type": "Hard"}},
    )
    for other in others:
        with pytest.raises(IdempotencyMismatch):
            ask(**{"station": station, "idempotency_key": "k", **other})
    other_actor = commands.request(
        station, "reset", {}, actor=SystemActor("other"), idempotency_key="k"
    )
    assert other_actor.pk != first.pk
    assert Command.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("end", ["sent", "cancelled", "expired"])
def test_a_secret_is_kept_only_as_long_as_it_waits(end: str) -> None:
    station = make_station()
    options = {"idempotency_key": "k", "parameters": {"key": "AuthorizationKey", "value": "s3cret"}}
    command = ask(station, "set_configuration", **options)
    assert command.parameters["value"] == "s3cret"
    other = {**options, "parameters": {"key": "AuthorizationKey", "value": "other"}}
    with pytest.raises(IdempotencyMismatch):
        ask(station, "set_configuration", **other)
    if end == "sent":
        claim_and_send(station)
    elif end == "cancelled":
        commands.cancel(command.pk, actor=ACTOR)
    else:
        commands.expire_due(command.expires_at)
    command.refresh_from_db()
    assert command.parameters == {"key": "AuthorizationKey", "value": "***"}
    assert ask(station, "set_configuration", **options).pk == command.pk


@pytest.mark.django_db
def test_requests_that_make_no_sense_are_refused() -> None:
    station = make_station()
    for wrong in ({"idempotency_key": "k" * 256}, {"expires_in_seconds": 0}):
        with pytest.raises(InvalidInput):
            ask(station, **wrong)
    archiving.archive_station(station, actor=ACTOR)
    station.refresh_from_db()
    with pytest.raises(Conflict):
        ask(station)


@pytest.mark.django_db
def test_commands_go_out_in_order_and_one_at_a_time() -> None:
    station = make_station()
    first, second = ask(station), ask(station)
    sent = claim_and_send(station)
    assert sent is not None
    assert sent.pk == first.pk
    assert claim_and_send(station) is None
    with pytest.raises(IllegalTransition):
        commands.mark_sent(first, action="Reset", message_id="m", request={}, epoch=2)
    with pytest.raises(Conflict):
        commands.mark_sent(second, action="Reset", message_id="m", request={}, epoch=1)
    commands.time_out(first.pk, clock.now())
    following = claim_and_send(station, message_id="m2")
    assert following is not None
    assert following.pk == second.pk
    ask(station)
    assert claim_and_send(station, epoch=2) is not None, "an older connection does not block"


@pytest.mark.django_db
def test_answers_settle_once_late_ones_too(
    django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[events.Event] = []
    monkeypatch.setattr(events, "_handlers", {CommandSettled: [seen.append]})
    station, at = make_station(), clock.now()
    command = ask(station)
    answer: dict[str, Any] = {"status": CommandStatus.ACCEPTED, "response": {"status": "Accepted"}}
    assert commands.settle(command.pk, at=at, **answer) is None, "nothing was asked yet"
    claim_and_send(station)
    with django_capture_on_commit_callbacks(execute=True):
        assert commands.time_out(command.pk, at) is not None
        settled = commands.settle(
            command.pk, status=CommandStatus.REJECTED, response={"a\x00": ["\x00b", 1e999]}, at=at
        )
    assert settled is not None
    settled.refresh_from_db()
    assert (settled.status, settled.is_late, settled.answered_at) == ("REJECTED", True, at)
    assert settled.response == {"a": ["b", "inf"]}
    assert commands.settle(command.pk, at=at, **answer) is None
    assert commands.time_out(command.pk, at) is None
    assert commands.fail(command.pk, "no") is None
    assert seen == [CommandSettled(command.pk)] * 2


@pytest.mark.django_db
def test_what_nobody_waits_for_any_more_ends(django_assert_num_queries: Any) -> None:
    station, other, now = make_station(), make_station(), clock.now()
    late = ask(station, expires_in_seconds=1)
    in_time = ask(station)
    abandoned = ask(other)
    claim_and_send(other)
    assert commands.expire_due(now) == 0
    Command.objects.filter(pk=late.pk).update(expires_at=now)
    Command.objects.filter(pk=abandoned.pk).update(sent_at=now - timedelta(hours=1))
    assert claim_and_send(make_station()) is None
    assert commands.expire_due(now) == 2
    states = dict(Command.objects.values_list("pk", "status"))
    assert states == {late.pk: "EXPIRED", in_time.pk: "QUEUED", abandoned.pk: "TIMED_OUT"}


@pytest.mark.django_db(transaction=True)
def test_twenty_claimers_take_each_command_once_and_one_at_a_time_per_station() -> None:
    everywhere = [make_station() for _number in range(3)]
    for station in everywhere:
        for _number in range(7):
            ask(station)
    claimed: list[Any] = []

    def claim(number: int) -> None:
        for turn in range(12):
            station = everywhere[(number + turn) % 3]
            try:
                command = claim_and_send(station, message_id=f"{number}-{turn}")
            except Conflict:
                continue
            if command is None:
                continue
            claimed.append(command.pk)
            accepted = CommandStatus.ACCEPTED
            assert commands.settle(command.pk, status=accepted, response={}, at=clock.now())

    in_threads(20, claim)
    while any(claim_and_send_and_settle(station, claimed) for station in everywhere):
        pass
    assert len(claimed) == len(set(claimed)) == 21
    assert set(Command.objects.values_list("status", flat=True)) == {"ACCEPTED"}


def claim_and_send_and_settle(station: Station, claimed: list[Any]) -> bool:
    command = claim_and_send(station)
    if command is None:
        return False
    claimed.append(command.pk)
    commands.settle(command.pk, status=CommandStatus.ACCEPTED, response={}, at=clock.now())
    return True


@pytest.mark.django_db(transaction=True)
def test_the_same_key_twenty_times_at_once_is_one_command() -> None:
    station = make_station()
    keys = in_threads(20, lambda _number: ask(station, idempotency_key="tap").pk)
    assert len(set(keys)) == 1
    assert Command.objects.count() == 1
    assert AuditEntry.objects.filter(action="command.request").count() == 1
