"""Every documented way to set the program up and to run it, typed as a person types it."""

import contextlib

import pytest
from websockets.exceptions import ConnectionClosed

from tests.acceptance.cars import connected
from tests.acceptance.conftest import COLUMNS, IDENTITIES, Staff, client_with_key
from tests.acceptance.installation import STOPPED, Client, Installation, Server


@pytest.mark.parametrize("how", ["serve", "uvicorn", "make"])
async def test_every_way_to_serve_serves_web_and_gateway_and_ends_in_time(
    installation: Installation, how: str
) -> None:
    server = installation.serve(how)
    client = Client(server, {})
    assert client.get("/health")["status"] == "up"
    assert client.get("/openapi.json")["openapi"].startswith("3.1")
    async with connected(server, "ACC-OTHER") as car:
        await car.boot()
    # Whatever its options, the server survives what is too long.
    async with connected(server, "ACC-HOSTILE") as hostile:
        await hostile.boot()
        with contextlib.suppress(ConnectionClosed):
            await hostile._connection.send("x" * 5_000_000)
        await hostile._connection.wait_closed()
        assert hostile._connection.close_code == 1009
    assert server.stop() in STOPPED
    assert "Traceback" not in server.log.read_text()


def test_a_key_opens_what_its_scope_says(installation: Installation, server: Server) -> None:
    path = f"/api/admin/chargepoints/{IDENTITIES[0]}/commands"
    body = {"command": "clear_cache"}
    reader = client_with_key(installation, server, "read")
    assert reader.get("/connections")["results"] == []
    assert reader.call("POST", path, body)[0] == 403
    assert client_with_key(installation, server, "operate").call("POST", path, body)[0] == 202
    assert Client(server, {"X-Api-Key": "guessed"}).call("GET", "/connections")[0] == 401


def test_staff_sign_in_with_the_printed_secret(signed_in: Client, staff: Staff) -> None:
    rows = signed_in.get("/charge-points")["results"]
    assert {row["identity"] for row in rows} >= set(IDENTITIES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{COLUMNS}\nNEW-1,pw,X,Y,13,100,1,50\nNEW-2,pw,X,Y,95,100,1,50\n", "latitude"),
        (f"{COLUMNS}\nNEW-1,pw,X,Y,13,100,1,50\nNEW-1,pw,X,Y,13,100,1,50\n", "identity"),
        (f"{COLUMNS}\nNEW-1,pw,X,Y,13,100\n", "2"),
        ("wrong,columns\n1,2\n", "identity"),
        ("", "empty"),
    ],
    ids=["outside", "twice", "short", "columns", "empty"],
)
def test_a_wrong_file_changes_nothing(
    installation: Installation, partner: Client, text: str, expected: str
) -> None:
    message = installation.refused("import_chargepoints", installation.file("wrong.csv", text))
    assert expected in message
    assert partner.get("/charge-points?q=NEW-")["count"] == 0


def test_wrong_arguments_say_what_is_right(installation: Installation) -> None:
    assert "no operator" in installation.refused("create_api_key", "x", "--operator", "nobody")
    assert "read" in installation.refused("create_api_key", "x", "--scope", "everything")
    assert installation.refused("create_staff", "no-address", "--password", "long-enough-pw-1")
    missing = installation.refused("import_tokens", "/nowhere/tokens.csv")
    assert "/nowhere/tokens.csv" in missing
    wrong = installation.file("tokens-wrong.csv", "token,status\nT1,ACCEPTED\nT2,MAYBE\n")
    assert "MAYBE" in installation.refused("import_tokens", wrong)
