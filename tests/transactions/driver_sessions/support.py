"""What was asked for, and why it was refused."""

from collections.abc import Callable

import pytest

from chargepoints.models import Command
from csms.common.errors import Conflict
from transactions.models import Session


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(Conflict) as refusal:
        call()
    return refusal.value.code


def only_command(session: Session) -> Command:
    assert session.start_command is not None
    return session.start_command
