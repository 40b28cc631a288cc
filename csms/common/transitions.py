"""State machines as one readable table per entity."""

from collections.abc import Mapping
from typing import Generic, TypeVar

from csms.common.errors import Conflict

State = TypeVar("State", bound=str)


class IllegalTransition(Conflict):
    code = "illegal_transition"


class TransitionTable(Generic[State]):
    """Which state may follow which; a state that nothing follows is final."""

    def __init__(self, entity: str, table: Mapping[State, frozenset[State]]) -> None:
        self.entity = entity
        self.table = table

    def allows(self, source: State, target: State) -> bool:
        return target in self.table[source]

    def check(self, source: State, target: State) -> None:
        """Raise `IllegalTransition` unless `target` may follow `source`."""
        if not self.allows(source, target):
            raise IllegalTransition(f"A {self.entity} cannot go from {source} to {target}.")

    def is_final(self, state: State) -> bool:
        return not self.table[state]

    def sources_of(self, target: State) -> frozenset[State]:
        return frozenset(state for state, targets in self.table.items() if target in targets)
