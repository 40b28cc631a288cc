"""The password with which a station signs in (HTTP Basic)."""

from django.contrib.auth.hashers import get_hasher

from chargepoints.models import Station
from csms.common.errors import InvalidInput

ALGORITHM = "argon2station"
MAX_LENGTH = 128
# OCPP 1.6's AuthorizationKey is 16 to 20 bytes, written as 32 to 40 hexadecimal digits; some
# chargers send the bytes, some the digits.
_KEY_BYTES = range(16, 21)
# The hash of nothing that can be sent: a station without a password costs as much time as others.
_UNUSABLE_SALT = "no-password-is-set"


def check_length(raw: str) -> None:
    """`InvalidInput` if it is empty or over 128 characters."""
    if not raw or len(raw) > MAX_LENGTH:
        raise InvalidInput(f"A station's password has 1 to {MAX_LENGTH} characters.")


def hash_password(raw: str) -> str:
    """`InvalidInput` if it is empty or over 128 characters."""
    check_length(raw)
    hasher = get_hasher(ALGORITHM)
    return str(hasher.encode(raw, hasher.salt()))


def set_password(station: Station, raw: str) -> None:
    station.password_hash = hash_password(raw)
    station.save(update_fields=["password_hash", "updated_at"])


def check_password(station_hash: str, raw: str | bytes) -> bool:
    """Whether `raw`, as text or as the bytes that came over the wire, is the station's password."""
    hasher = get_hasher(ALGORITHM)
    candidates = _candidates(raw)
    if not station_hash.startswith(f"{ALGORITHM}$"):
        hasher.encode(candidates[0], _UNUSABLE_SALT)
        return False
    return any(hasher.verify(candidate, station_hash) for candidate in candidates)


def _candidates(raw: str | bytes) -> list[str]:
    if isinstance(raw, str):
        text, data = raw, raw.encode("utf-8", "surrogatepass")
    else:
        data = raw
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            text = raw.decode("latin-1")
    if len(data) > 4 * MAX_LENGTH:
        return [""]
    candidates = [text.encode("utf-8", "replace").decode()]
    if len(data) in _KEY_BYTES and not (text.isascii() and text.isprintable()):
        candidates += [data.hex(), data.hex().upper()]
    return candidates
