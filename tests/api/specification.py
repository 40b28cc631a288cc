"""The table of paths that the mobile app already calls, read from the specification, and its state.

`python -m tests.api.specification` (`make api-table`) prints it: path, method, what the document
says of it, and what the right caller gets.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SPECIFICATION = Path(__file__).resolve().parents[3] / "shared" / "spec" / "api.md"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
HEADING = "## The paths that the mobile app already calls"
# Rows that are not in a table, as the specification names them under it.
FURTHER = (
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/api/health"),
    ("GET", "/connections"),
    ("GET", "/connections/{identity}"),
    ("GET", "/charge-points"),
    ("POST", "/charge-points"),
    ("GET", "/charge-points/{identity}"),
    ("PUT", "/charge-points/{identity}"),
    ("DELETE", "/charge-points/{identity}"),
    ("GET", "/transactions"),
    ("GET", "/transactions/{id}"),
    ("POST", "/api/admin/chargepoints/{identity}/commands"),
    ("POST", "/api/admin/chargepoints/{identity}/ocpp"),
    ("GET", "/api/admin/commands/{id}"),
    ("GET", "/api/admin/chargepoints/{identity}/messages"),
    ("GET", "/api/transactions/{id}/live"),
)


@dataclass(frozen=True, order=True)
class Promise:
    path: str
    method: str

    @property
    def shape(self) -> str:
        """The path with nameless parts: how an id is called is no part of it."""
        return shape_of(self.path)


def shape_of(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def promises(text: str) -> list[Promise]:
    """Every method and path of the table, and what is named under it."""
    table = text.split(HEADING, 1)[1].split("\n## ", 1)[0]
    found: list[Promise] = []
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) >= 3 and cells[0].split(" ")[0].rstrip(",") in METHODS:
            found += _of_cell(cells[0])
    return sorted({*found, *(Promise(path, method) for method, path in FURTHER)})


def _of_cell(cell: str) -> Iterator[Promise]:
    """`POST, GET /a/b` · `POST /a/ ; GET …/user/{id}` · `POST /a/ , /b/ ; GET /c` ."""
    base = ""
    for part in cell.split(";"):
        methods = re.findall(r"\b(?:GET|POST|PUT|PATCH|DELETE)\b", part)
        for written in re.findall(r"(?:/|…)[^\s,;]*", part):
            path = written
            if written.startswith("…"):
                path = f"{base}{written.removeprefix('…')}"
            for method in methods:
                yield Promise(path, method)
            base = _base_of(path) if not written.startswith("…") else base


def _base_of(path: str) -> str:
    """What `…` stands for after this path: DELETE /a/{id} ; PUT …/x is PUT /a/{id}/x."""
    return path.rstrip("/")


@dataclass(frozen=True)
class Found:
    promise: Promise
    operation_id: str
    status: int | None

    @property
    def is_kept(self) -> bool:
        """It is in the document, and the right caller gets something else than `no such route`."""
        return bool(self.operation_id) and self.status not in (None, 404, 405)


def look(promise: Promise, rows: Any) -> Found:
    """What the document says of the promise and the right caller gets."""
    from django.db import transaction

    from tests.api.operations import OPERATIONS, asked

    for operation in OPERATIONS:
        if shape_of(operation.path) == promise.shape and operation.method == promise.method.lower():
            with transaction.atomic():
                request = asked(operation, rows)
                answer = request.client.generic(
                    promise.method,
                    request.path,
                    _json(request.body),
                    content_type="application/json",
                )
                transaction.set_rollback(True)
            return Found(promise, operation.spec["operationId"], answer.status_code)
    return Found(promise, "", None)


def _json(body: Any) -> bytes:
    import orjson

    return b"" if body is None else orjson.dumps(body)


def table(found: list[Found]) -> str:
    width = max(len(one.promise.path) for one in found)
    lines = [f"{'path':{width}}  method  answer  operation"]
    lines += [
        f"{one.promise.path:{width}}  {one.promise.method:6}  {one.status or '-':>6}  "
        f"{one.operation_id or 'MISSING'}{'' if one.is_kept else '  <-'}"
        for one in found
    ]
    kept = sum(one.is_kept for one in found)
    return "\n".join([*lines, f"{kept} of {len(found)} are there."])


def main() -> int:
    from tests.api.fuzzing import a_database, without_limits

    if not SPECIFICATION.exists():
        sys.stdout.write(f"There is no {SPECIFICATION.name} beside the project.\n")
        return 0
    with a_database(), without_limits():
        from tests.api.operations import Rows

        rows = Rows("OWN")
        found = [look(promise, rows) for promise in promises(SPECIFICATION.read_text())]
    sys.stdout.write(table(found) + "\n")
    return 0 if all(one.is_kept for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
