"""What the server and the gateway tell each other of a charger that answers no pings.

ASGI has no word for it, so it stands in the `state` that both have of a connection.
"""

from typing import Any

State = dict[str, Any]
_NO_PONGS = "csms.answers_no_pings"
_MISSED = "csms.pings_missed"


def expect_pongs(state: State, are_expected: bool) -> None:
    """Say whether a ping without its pong ends the connection; it does unless this says no."""
    if are_expected:
        state.pop(_NO_PONGS, None)
    else:
        state[_NO_PONGS] = True


def forgives_missed_ping(state: State) -> bool:
    """Whether the connection goes on without the pong that is due; then it is counted."""
    if _NO_PONGS not in state:
        return False
    state[_MISSED] = state.get(_MISSED, 0) + 1
    return True


def take_missed_pings(state: State) -> int:
    """How many were forgiven since the last call."""
    missed: int = state.pop(_MISSED, 0)
    return missed
