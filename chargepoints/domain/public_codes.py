"""Codes that people read off a charger or a map; they say nothing of an OCPP identity."""

import secrets

# Without 0/O, 1/I/L and U: read aloud and typed in the rain.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
EVSE_CODE_LENGTH = 7
# Everything that a stranger may ask about a station goes by it: 49 bits, so that nobody counts up.
STATION_CODE_LENGTH = 10


def new_evse_code() -> str:
    return _code(EVSE_CODE_LENGTH)


def new_station_code() -> str:
    return _code(STATION_CODE_LENGTH)


def _code(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _position in range(length))
