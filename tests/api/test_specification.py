"""Every path that the mobile app calls is there, exactly: read from the specification itself."""

import pytest

from tests.api.fuzzing import without_limits
from tests.api.operations import Rows
from tests.api.specification import HEADING, SPECIFICATION, Promise, look, promises, table

needs_specification = pytest.mark.skipif(
    not SPECIFICATION.exists(), reason="the specification is not beside the project"
)


@needs_specification
@pytest.mark.django_db
def test_every_path_is_there_and_answers_the_right_caller() -> None:
    rows = Rows("OWN")
    with without_limits():
        found = [look(promise, rows) for promise in promises(SPECIFICATION.read_text())]
    assert len(found) > 60
    assert all(one.is_kept for one in found), "\n" + table(found)


def test_how_the_table_is_read() -> None:
    text = f"""{HEADING} (all)

| method, path | who | does |
|---|---|---|
| GET, PATCH /api/profile | driver | own |
| DELETE /api/cards/{{card_id}}; PUT …/default | driver | remove |
| POST /api/tax/ ; GET …/user/{{user_id}} ; PUT …/{{id}} | driver | profiles |
| POST /api/admin/a/ , /api/admin/b/ ; GET /api/admin/a/{{id}}/c | staff | create |

## Another
| GET /not/this | x | y |
"""
    found = {(one.method, one.path) for one in promises(text)}
    assert {
        ("GET", "/api/profile"),
        ("PATCH", "/api/profile"),
        ("DELETE", "/api/cards/{card_id}"),
        ("PUT", "/api/cards/{card_id}/default"),
        ("POST", "/api/tax/"),
        ("GET", "/api/tax/user/{user_id}"),
        ("PUT", "/api/tax/{id}"),
        ("POST", "/api/admin/a/"),
        ("POST", "/api/admin/b/"),
        ("GET", "/api/admin/a/{id}/c"),
    } <= found
    assert ("GET", "/not/this") not in found
    assert Promise("/a/{id}", "GET").shape == Promise("/a/{session_id}", "GET").shape
