"""What a feed shows at one moment, and what has changed since any moment before.

A revision never changes: a thread makes the next one of it, with all comparing and digesting, while
the event loop sends this one.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from csms.live.events import EventId, digest_of, following

Parts = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Change:
    """The latest of a part: its JSON, None if it is gone. `number` grows from change to change."""

    number: int
    name: str
    content: bytes | None


@dataclass(frozen=True, slots=True)
class Revision:
    """`latest` is the latest change of each part that ever was, by name, oldest first."""

    id: EventId
    parts: Parts
    latest: Mapping[str, Change]
    changes: Sequence[Change]
    numbers: Sequence[int]

    @property
    def number(self) -> int:
        """That of the newest change."""
        return self.numbers[-1] if self.numbers else 0

    def since(self, number: int) -> Iterator[Change]:
        """What changed after that, oldest first.

        Whoever takes some of it goes on after the last change that it took, at whatever revision is
        the newest by then, and ends up with what is.
        """
        start = bisect_right(self.numbers, number)
        return (self.changes[place] for place in range(start, len(self.changes)))


def revise(before: Revision | None, parts: Parts) -> Revision | None:
    """The revision after `before` that shows `parts`; None if that shows them already."""
    known: Parts = before.parts if before is not None else {}
    changed: dict[str, bytes | None] = {
        name: content for name, content in parts.items() if known.get(name) != content
    }
    changed |= dict.fromkeys(known.keys() - parts.keys())
    if before is not None and not changed:
        return None
    latest = dict(before.latest) if before is not None else {}
    number = before.number if before is not None else 0
    for name in sorted(changed):
        number += 1
        latest.pop(name, None)
        latest[name] = Change(number, name, changed[name])
    changes = list(latest.values())
    at = following(before.id.milliseconds if before is not None else 0)
    digest = digest_of(
        before.id.digest if before is not None else None,
        gone=[known[name] for name in changed if name in known],
        come=[content for content in changed.values() if content is not None],
    )
    return Revision(
        EventId(at, digest), dict(parts), latest, changes, [change.number for change in changes]
    )
