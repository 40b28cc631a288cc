"""The charge point's side of the Open Charge Alliance's test cases, and an operator beside it.

What we send is checked with the schemas and the code of the `ocpp` package, not with our own.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from ocpp.messages import Call, CallResult, validate_payload

from chargepoints.models import Connector, Station
from csms.common import clock
from tests.api.client import ApiClient
from tests.ocpp_gateway.servers import BOOT, Charger, start_of, stop_of, timestamp
from tests.support.factories import connector_of, make_api_key

CARD = "CARD"
ACCEPTED = {"status": "Accepted"}


class Bench:
    """A charge point that follows a test case; an operator who asks over the API for what it names.

    `says` and the methods built on it return the payload of our answer, `told` that of our request.
    """

    def __init__(self, charger: Charger, station: Station) -> None:
        _row, key = make_api_key(("read", "operate"), operator=station.site.operator)
        self.charger = charger
        self.station = station
        self.operator = ApiClient(HTTP_X_API_KEY=key)

    # --- What the charge point says

    def says(self, action: str, **payload: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.charger.call(action, payload)
        asyncio.run(validate_payload(CallResult("id", answer, action), "1.6"))
        return answer

    def boots(self) -> None:
        """Register, and report every connector as available, the station itself first."""
        answer = self.says("BootNotification", **BOOT)
        assert answer["status"] == "Accepted"
        assert answer["interval"] > 0
        now = datetime.fromisoformat(answer["currentTime"])
        assert abs(now - clock.now()) < timedelta(minutes=1)
        for connector in range(3):
            self.reports("Available", connector)

    def reports(self, status: str, connector: int = 1, error: str = "NoError") -> None:
        payload = {"connectorId": connector, "errorCode": error, "timestamp": timestamp()}
        assert self.says("StatusNotification", status=status, **payload) == {}

    def authorizes(self, token: str = CARD) -> str:
        status: str = self.says("Authorize", idTag=token)["idTagInfo"]["status"]
        return status

    def starts(self, token: str = CARD, meter: int = 0, **fields: Any) -> dict[str, Any]:
        answer = self.says("StartTransaction", **start_of(token, meter, **fields))
        assert answer["transactionId"] > 0
        return answer

    def stops(self, transaction: int, meter: int, reason: str, **fields: Any) -> dict[str, Any]:
        return self.says("StopTransaction", **stop_of(transaction, meter, reason=reason, **fields))

    def charges(self, token: str = CARD, meter: int = 0) -> int:
        """Authorize, plug in, start (the states Authorized and Charging); the transaction's id."""
        assert self.authorizes(token) == "Accepted"
        self.reports("Preparing")
        started = self.starts(token, meter)
        assert started["idTagInfo"]["status"] == "Accepted"
        self.reports("Charging")
        transaction: int = started["transactionId"]
        return transaction

    # --- What it is told

    def told(self, action: str, answer: dict[str, Any] | None = None) -> dict[str, Any]:
        """Take our next request, which must be a valid `action`, and answer it."""
        kind, message_id, found, payload = self.charger.receive()
        assert (kind, found) == (2, action), payload
        asyncio.run(validate_payload(Call(message_id, action, dict(payload)), "1.6"))
        self.charger.send([3, message_id, ACCEPTED if answer is None else answer])
        return dict(payload)

    # --- What the operator asks for, and sees

    def asks(self, command: str, **parameters: Any) -> str:
        """Ask for a command; its id."""
        return str(self._ask(command, parameters, expect=202)["id"])

    def is_refused(self, command: str, **parameters: Any) -> None:
        """Ask for a command that no charge point may be sent: it is refused before it is stored."""
        self._ask(command, parameters, expect=400)

    def _ask(self, command: str, parameters: dict[str, Any], *, expect: int) -> Any:
        path = f"/api/admin/chargepoints/{self.station.identity}/commands"
        return self.operator.json("post", path, {"command": command, **parameters}, expect=expect)

    def ended(self, command_id: str) -> tuple[str, str]:
        """Wait for the command's end: its status and its error."""
        shown = self.operator.json("get", f"/api/admin/commands/{command_id}?wait=20", expect=200)
        assert shown["is_final"], shown
        return shown["status"], shown["error"]

    def does(
        self,
        command: str,
        action: str,
        answer: dict[str, Any] | None = None,
        *,
        refusal: str = "",
        **parameters: Any,
    ) -> dict[str, Any]:
        """Ask for a command, have it answered, and check that the operator sees how it ended.

        `refusal` is the charge point's word for no; returns the payload of our request.
        """
        command_id = self.asks(command, **parameters)
        payload = self.told(action, {"status": refusal} if refusal else answer)
        expected = ("REJECTED", refusal) if refusal else ("ACCEPTED", "")
        assert self.ended(command_id) == expected
        return payload

    # --- Rows

    def connector(self, number: int = 1) -> Connector:
        return connector_of(self.station, number)
