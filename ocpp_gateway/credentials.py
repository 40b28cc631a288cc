"""Whether what a charger shows satisfies a security profile (security whitepaper, A00)."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Final

from chargepoints.models import Station
from chargepoints.selectors.certificates import client_problem
from chargepoints.services.passwords import check_password
from chargepoints.services.security_settings import uses_new_password
from ocpp_gateway.handshake import Credentials, UpgradeRequest

WRONG_PASSWORD: Final = "wrong_password"  # noqa: S105
# Verified passwords, as digests under a key that only this process knows: a reconnect storm does
# not pay for argon2 again.
_CACHE_SIZE = 20_000
_cache_key = secrets.token_bytes(32)
_verified: dict[int, bytes] = {}


@dataclass(frozen=True, slots=True)
class Refusal:
    """The HTTP status to answer before the upgrade, and why, for the log only."""

    status: int
    reason: str
    detail: str = ""


def refusal(station: Station, profile: int, request: UpgradeRequest) -> Refusal | None:
    """Why the charger is not let in under `profile`; None if it is."""
    if profile == Station.SecurityProfile.NONE:
        return None
    if profile == Station.SecurityProfile.MUTUAL_TLS:
        return _certificate_refusal(station, request)
    if profile == Station.SecurityProfile.TLS_BASIC and not request.is_secure:
        return Refusal(401, "plain_connection_of_a_tls_station")
    return _password_refusal(station, request.credentials)


def _certificate_refusal(station: Station, request: UpgradeRequest) -> Refusal | None:
    shown = request.certificate
    if not request.is_secure:
        return Refusal(401, "plain_connection_of_a_tls_station")
    if shown is None:
        return Refusal(401, "no_client_certificate")
    if shown.certificate is None:
        return Refusal(401, "bad_client_certificate", shown.problem)
    try:
        problem = client_problem(station, shown.certificate)
    except ValueError as error:  # a name in it is not what X.509 allows
        return Refusal(401, "bad_client_certificate", str(error))
    return Refusal(401, problem) if problem else None


def _password_refusal(station: Station, given: Credentials | None) -> Refusal | None:
    if given is None:
        return Refusal(401, "no_credentials")
    user = given.user.decode("utf-8", "replace").lower()
    if not hmac.compare_digest(user.encode(), station.identity.lower().encode()):
        return Refusal(401, "user_is_not_the_identity")
    return None if _is_password(station, given.password) else Refusal(401, WRONG_PASSWORD)


def _is_password(station: Station, password: bytes) -> bool:
    digest = hashlib.blake2b(
        password, key=_cache_key, person=station.pk.to_bytes(16), digest_size=32
    )
    digest.update(b"\x00" + station.password_hash.encode())
    seal = digest.digest()
    known = _verified.get(station.pk)
    if known is not None and hmac.compare_digest(known, seal):
        return True
    if not check_password(station.password_hash, password):
        return uses_new_password(station, password)
    if len(_verified) >= _CACHE_SIZE:
        _verified.clear()
    _verified[station.pk] = seal
    return True


def forget() -> None:
    """Verify every password anew."""
    _verified.clear()
