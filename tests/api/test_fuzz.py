"""T65: whatever is sent, the answer is one that the document names, and never a fault of ours.

A few requests of every kind, the same ones each time; `make api-fuzz` draws thousands.
"""

import pytest

from tests.api.fuzzing import Caller, Fuzzer, seeded, without_limits

pytestmark = pytest.mark.django_db
LABELS = [operation.label for operation in Fuzzer(None, []).operations()]
EXAMPLES = 1
CHANCE = 20_261_130


@pytest.fixture
def fuzzer(db: None) -> Fuzzer:
    return Fuzzer(*seeded())


@pytest.mark.parametrize("label", LABELS)
def test_T65_every_answer_fits_the_document(fuzzer: Fuzzer, label: str) -> None:
    operation = fuzzer.schema.find_operation_by_label(label)
    with without_limits():
        for caller in fuzzer.callers:
            outcome = fuzzer.run(operation, caller, examples=EXAMPLES, chance=CHANCE)
            assert outcome.requests, f"{label}: nothing was sent."
            assert not outcome.failures, next(iter(outcome.failures.values()))


def test_T65_what_does_not_fit_is_seen(fuzzer: Fuzzer) -> None:
    """A document that promises other statuses and other bodies than we give fails."""
    raw = fuzzer.schema.raw_schema["paths"]["/api/chargepoints/"]["get"]
    kept = dict(raw["responses"])
    try:
        del raw["responses"]["200"]
        operation = fuzzer.schema.find_operation_by_label("GET /api/chargepoints/")
        outcome = fuzzer.run(operation, Caller("anonymous", {}), examples=2, chance=CHANCE)
    finally:
        raw["responses"].update(kept)
    assert "UndefinedStatusCode" in outcome.failures
