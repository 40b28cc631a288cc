"""Run the tests that are named after cases or messages and print what they show.

Exit code 1 if one of them fails, 0 otherwise: what has no test is told, not hidden.
"""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

import django
import pytest

from tests.conformance.cases import CASES
from tests.conformance.oca import TEST_CASES

FOLDERS = ("ocpp_gateway", "transactions", "chargepoints", "accounts", "payments", "conformance")


def main(arguments: Iterable[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "csms.settings.test")
    django.setup()
    # Both need the models, and the models need Django to be set up.
    from tests.conformance.plugin import Conformance
    from tests.conformance.tables import (
        case_rows,
        message_rows,
        oca_rows,
        summary,
        table,
    )

    seen = Conformance()
    tests = Path(__file__).parents[1]
    folders = [str(tests / name) for name in FOLDERS if (tests / name).is_dir()]
    code = pytest.main([*folders, "-q", "--no-header", *arguments], plugins=[seen])
    messages, cases, contract = message_rows(seen), case_rows(seen), oca_rows(seen)
    out = sys.stdout.write
    out("\nOCPP 1.6 and the security whitepaper\n\n")
    out(table(("message", "direction", "result", "tests over a socket"), messages))
    out("\nDifficult cases\n\n")
    out(table(("case", "title", "result", "reason", "tests"), cases))
    out("\nThe Open Charge Alliance's test cases for an OCPP 1.6 central system\n\n")
    out(table(("test case", "title", "result", "test"), contract))
    out(f"\nMessages: {summary(messages, 2)}.\nCases 1 to {max(CASES)}: {summary(cases, 2)}.\n")
    out(f"Test cases, {len(TEST_CASES)}: {summary(contract, 2)}.\n")
    return int(code != pytest.ExitCode.OK)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
