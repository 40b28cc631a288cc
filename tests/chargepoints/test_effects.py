"""What follows from a command, in the transaction that requests or ends it."""

from typing import Any

import pytest

from chargepoints.domain.numbers import evse_number, whole
from chargepoints.domain.states import CommandStatus
from chargepoints.models import Command, ConfigurationValue, StationAnomaly
from chargepoints.services import commands, effects
from csms.common import clock
from csms.common.audit import SystemActor
from csms.common.errors import Conflict
from tests.support.factories import make_station

pytestmark = pytest.mark.django_db


def sent(**parameters: Any) -> Command:
    command = commands.request(make_station(), "probe", parameters, actor=SystemActor("test"))
    Command.objects.filter(pk=command.pk).update(
        status=CommandStatus.SENT, message_id="m", sent_at=clock.now()
    )
    return command


def settle(command: Command, outcome: dict[str, Any]) -> Command | None:
    return commands.settle(
        command.pk,
        status=CommandStatus.ACCEPTED,
        response={"kept": True},
        at=clock.now(),
        outcome=outcome,
    )


def test_a_refused_request_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_command: Command) -> None:
        raise Conflict("not now")

    monkeypatch.setitem(effects._effects, "probe", effects.Effects(requested=refuse))
    with pytest.raises(Conflict):
        sent()
    assert not Command.objects.exists()


def test_an_answer_is_kept_even_if_its_effect_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def half(command: Command, outcome: effects.Outcome) -> None:
        ConfigurationValue.objects.create(
            station_id=command.station_id, key="half", known_at=clock.now()
        )
        raise KeyError(outcome["what"])

    monkeypatch.setitem(effects._effects, "probe", effects.Effects(ended=half))
    command = settle(sent(), {"what": "missing"})
    assert command is not None
    command.refresh_from_db()
    assert (command.status, command.response) == ("ACCEPTED", {"kept": True})
    assert not ConfigurationValue.objects.exists(), "the effect is undone as a whole"
    assert StationAnomaly.objects.get().kind == "outcome_not_applied"


def test_every_way_to_end_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    ends: list[str] = []
    told = effects.Effects(ended=lambda command, _outcome: ends.append(command.status))
    monkeypatch.setitem(effects._effects, "probe", told)
    commands.time_out(sent().pk, clock.now())
    commands.fail(sent().pk, "no")
    late = sent()
    commands.time_out(late.pk, clock.now())
    settle(late, {})
    queued = commands.request(make_station(), "probe", {}, actor=SystemActor("test"))
    Command.objects.filter(pk=queued.pk).update(expires_at=clock.now())
    commands.expire_due(clock.now())
    assert ends == ["TIMED_OUT", "FAILED", "TIMED_OUT", "ACCEPTED", "EXPIRED"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, 0), ("12", 12), (2**31 - 1, 2**31 - 1), (2**31, -1), (-1, -1), (True, -1), ("x", -1)],
)
def test_whole_numbers(value: Any, expected: int) -> None:
    assert whole(value) == expected


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, 0),
        ({"connector_id": 2}, 2),
        ({"evse_id": "3", "connector_id": 1}, 3),
        ({"evse_id": None, "connector_id": "2"}, 2),
    ],
)
def test_the_evse_that_a_command_names(parameters: dict[str, Any], expected: int) -> None:
    assert evse_number(parameters) == expected
