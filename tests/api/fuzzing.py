"""schemathesis over the whole document, in this process, as everybody who may call.

`python -m tests.api.fuzzing` (`make api-fuzz`) makes a database of its own, runs for a few minutes
and prints a table; `test_fuzz.py` runs a small part that is the same every time. Each request is
undone afterwards, so that every one meets the same rows.
"""

import argparse
import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import django
import jsonschema_rs
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import CHECKS
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import AcceptedNegativeData, FailureGroup
from schemathesis.generation.modes import GenerationMode

# A charger's command is judged by what its OCPP version can say, a frame by the charger's words,
# a price by the tariff it belongs to: more than a schema says, so that a body that fits it may
# still be a 400. Signing in needs a secret that nobody draws.
CONFIGURATION: dict[str, Any] = {
    # Drawn credentials would stand beside those of the caller.
    "generation": {"with-security-parameters": False},
    "checks": {
        "positive_data_acceptance": {
            "expected-statuses": ["2xx", "3xx", "400", "401", "403", "404", "409", "422", "429"]
        },
    },
}


# What answers 503 until a provider is set up.
NOT_SET_UP = {"POST /api/payment/omise/webhook"}


@dataclass
class Caller:
    name: str
    headers: dict[str, str]


@dataclass
class Outcome:
    """What became of one operation as one caller."""

    operation: str
    caller: str
    statuses: Counter[int] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)
    slowest_seconds: float = 0.0

    @property
    def requests(self) -> int:
        return sum(self.statuses.values())


class Fuzzer:
    """`rows`: what the ids in paths may name; everything else is drawn."""

    def __init__(self, rows: Any, callers: list[Caller]) -> None:
        from tests.api.client import document

        load_checks()
        config = SchemathesisConfig.from_dict(CONFIGURATION)
        self.schema = schemathesis.openapi.from_dict(document(), config=config)
        self.schema.app = get_wsgi_application()
        self.rows = rows
        self.callers = callers

    def operations(self) -> list[Any]:
        found: Iterator[Any] = self.schema.get_all_operations()
        return [one.ok() for one in found]

    def run(self, operation: Any, caller: Caller, *, examples: int, chance: int) -> Outcome:
        """The same `chance` draws the same requests."""
        outcome = Outcome(operation.label, caller.name)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            for path in self._paths_of(operation):
                self._draw(operation, caller, mode, path, examples, chance, outcome)
        return outcome

    def _paths_of(self, operation: Any) -> list[dict[str, Any] | None]:
        """Drawn ids, which nothing has, and those of rows that are there."""
        from tests.api.operations import PATH_IDS

        names = [parameter.name for parameter in operation.path_parameters]
        if not names:
            return [None]
        return [None, {name: str(PATH_IDS[name](self.rows)) for name in names}]

    def _draw(
        self,
        operation: Any,
        caller: Caller,
        mode: GenerationMode,
        path: dict[str, Any] | None,
        examples: int,
        chance: int,
        outcome: Outcome,
    ) -> None:
        try:
            strategy = operation.as_strategy(generation_mode=mode, path_parameters=path)
        except Unsatisfiable:
            return

        @seed(chance)
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )
        @given(case=strategy)
        def requests(case: Any) -> None:
            self._send(case, caller, outcome)

        try:
            requests()
        except Unsatisfiable:
            # Nothing can be drawn that does not fit: an operation without any input.
            return

    def _send(self, case: Any, caller: Caller, outcome: Outcome) -> None:
        from django.db import transaction

        started = time.perf_counter()
        with connection_kept(), transaction.atomic():
            response = case.call(headers=caller.headers)
            outcome.slowest_seconds = max(outcome.slowest_seconds, time.perf_counter() - started)
            outcome.statuses[response.status_code] += 1
            try:
                if response.status_code != 503 or case.operation.label not in NOT_SET_UP:
                    case.validate_response(response, headers=caller.headers)
            except FailureGroup as group:
                for failure in group.exceptions:
                    if isinstance(failure, AcceptedNegativeData) and (
                        fits_as_text(case) or says_nothing(case)
                    ):
                        continue
                    text = f"{failure}\n{case.as_curl_command(headers=caller.headers)}"
                    outcome.failures.setdefault(type(failure).__name__, text[:3000])
            transaction.set_rollback(True)


def says_nothing(case: Any) -> bool:
    """Whether a query names a parameter and gives it no value: it counts as left out."""
    return "" in (case.query or {}).values()


def fits_as_text(case: Any) -> bool:
    """Whether a body is wrong only by numbers where a text is wanted: they are taken as text."""
    from tests.api.client import document

    definition = case.operation.definition.raw.get("requestBody", {}).get("content", {})
    if not definition or not isinstance(case.body, dict):
        return False
    schema = next(iter(definition.values()))["schema"]
    whole = {**schema, "components": document()["components"]}
    return jsonschema_rs.validator_for(whole).is_valid(with_text(schema, case.body))


def with_text(schema: dict[str, Any], value: Any) -> Any:
    from tests.api.operations import resolved

    schema = resolved(schema)
    if isinstance(value, dict):
        known = schema.get("properties", {})
        return {n: with_text(known[n], v) if n in known else v for n, v in value.items()}
    if isinstance(value, list):
        return [with_text(schema.get("items", {}), item) for item in value]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number and "string" in str(schema.get("type")) else value


def load_checks() -> None:
    """schemathesis registers its checks when they are first used."""
    import schemathesis.specs.openapi.checks  # noqa: F401

    assert CHECKS.get_all_names()


@contextmanager
def connection_kept() -> Iterator[None]:
    """The end of a request closes its connection, which here holds what is to be undone."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in signals:
            signal.connect(close_old_connections)


@contextmanager
def without_limits() -> Iterator[None]:
    name = "csms.common.api.throttling.WindowThrottle.allow_request"
    with patch(name, lambda *_arguments: True):
        yield


def seeded() -> tuple[Any, list[Caller]]:
    """Rows of one operator, and everybody who may call."""
    from chargepoints.domain.states import CommandStatus
    from tests.api.operations import SCOPES, Rows
    from tests.support.factories import make_api_key, make_staff, make_superadmin

    rows = Rows("OWN")
    # Nobody waits for the outcome of this one.
    rows.command.status = CommandStatus.EXPIRED
    rows.command.save(update_fields=["status"])
    _row, raw = make_api_key(SCOPES, operator=rows.operator)
    return rows, [
        Caller("anonymous", {}),
        Caller("driver", bearer(rows.driver)),
        Caller("staff", bearer(make_staff(operators=[rows.operator]))),
        Caller("superadmin", bearer(make_superadmin())),
        Caller("key", {"X-Api-Key": raw}),
    ]


def bearer(user: Any) -> dict[str, str]:
    from tests.api.client import ApiClient

    return {"Authorization": ApiClient.of(user).defaults["HTTP_AUTHORIZATION"]}


def report(outcomes: list[Outcome], write: Callable[[str], Any]) -> bool:
    """A line per operation; returns whether all is well."""
    by_operation: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_operation.setdefault(outcome.operation, []).append(outcome)
    width = max(map(len, by_operation), default=0)
    write(f"{'operation':{width}}  requests   2xx   4xx   5xx  slowest  failures\n")
    for name, rows in by_operation.items():
        statuses: Counter[int] = Counter()
        for row in rows:
            for status, count in row.statuses.items():
                statuses[status // 100] += count
        failures = sorted({kind for row in rows for kind in row.failures})
        slowest = max(row.slowest_seconds for row in rows)
        write(
            f"{name:{width}}  {sum(statuses.values()):8}  {statuses[2]:4}  {statuses[4]:4}  "
            f"{statuses[5]:4}  {slowest:6.2f}s  {', '.join(failures) or '-'}\n"
        )
    wrong = [(o, kind, text) for o in outcomes for kind, text in o.failures.items()]
    shown: set[tuple[str, str]] = set()
    for outcome, kind, text in wrong:
        if (outcome.operation, kind) not in shown:
            shown.add((outcome.operation, kind))
            write(f"\n{outcome.operation} as {outcome.caller}: {kind}\n{text}\n")
    total = sum(outcome.requests for outcome in outcomes)
    write(f"\n{total} requests to {len(by_operation)} operations, {len(wrong)} failures.\n")
    return not wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=15, help="of each kind and caller")
    parser.add_argument("--minutes", type=float, default=30, help="no new operation after that")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="to see the same again")
    parser.add_argument("--only", default="", help="operations with this in their name")
    given_ = parser.parse_args()
    sys.stdout.write(f"Drawn from seed {given_.seed}.\n")
    with a_database(), without_limits():
        outcomes, left_out = run_all(given_.examples, given_.minutes * 60, given_.seed, given_.only)
    is_well = report(outcomes, sys.stdout.write)
    if left_out:
        # What was not asked is not known to be well.
        sys.stdout.write(f"No time for {len(left_out)}: {', '.join(left_out)}\n")
    return 0 if is_well and not left_out else 1


@contextmanager
def a_database() -> Iterator[None]:
    """One that is made for this run and dropped after it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "csms.settings.test")
    os.environ.setdefault("TEST_SUFFIX", f"_fuzz{os.getpid()}")
    django.setup()
    from django.test.runner import DiscoverRunner

    logging.disable(logging.CRITICAL)
    runner = DiscoverRunner(verbosity=0, interactive=False)
    runner.setup_test_environment()
    databases = runner.setup_databases()
    try:
        yield
    finally:
        runner.teardown_databases(databases)
        runner.teardown_test_environment()


def run_all(
    examples: int, seconds: float, chance: int, only: str
) -> tuple[list[Outcome], list[str]]:
    """The outcomes, and the operations that there was no time for."""
    fuzzer = Fuzzer(*seeded())
    deadline = time.monotonic() + seconds
    outcomes = []
    left_out = []
    for operation in fuzzer.operations():
        if only not in operation.label:
            continue
        if time.monotonic() > deadline:
            left_out.append(operation.label)
            continue
        outcomes += [
            fuzzer.run(operation, caller, examples=examples, chance=chance)
            for caller in fuzzer.callers
        ]
    return outcomes, left_out


if __name__ == "__main__":
    sys.exit(main())
