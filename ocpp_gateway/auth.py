"""Who may open a socket: decided before the upgrade, in one visit to the database."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from chargepoints.models import Station
from chargepoints.selectors.identities import by_identity
from chargepoints.services import anomalies
from chargepoints.services.passwords import check_password
from ocpp_gateway.handshake import Credentials, UpgradeRequest, choose_subprotocol
from ocpp_gateway.services import leases

logger = structlog.get_logger(__name__)
# Verified passwords, as digests under a key that only this process knows: a reconnect storm does
# not pay for argon2 again.
_CACHE_SIZE = 20_000
# Wrong passwords that one address may try for one station within the window. Per address, so that
# a stranger cannot lock the charger out; per station, because many share one address.
_MOST_FAILURES = 10
_FAILURE_WINDOW = timedelta(minutes=1)
_failures: dict[tuple[int, str], tuple[datetime, int]] = {}
# Refusals of any kind that one address gets within the window. Beyond, it does not learn any more
# which identities there are; who has the right password is let in all the same.
_MOST_REFUSALS = 100
_refusals: dict[str, tuple[datetime, int]] = {}
_cache_key = secrets.token_bytes(32)
_verified: dict[int, bytes] = {}


@dataclass(frozen=True, slots=True)
class Refusal:
    """The HTTP status to answer before the upgrade, and why, for the log only."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class Admission:
    """An authenticated charger. `subprotocol` is empty where there is none in common."""

    station_id: int
    identity: str
    operator_id: int
    echo: str | None
    subprotocol: str
    registration: str
    lease: leases.Lease


def admit(request: UpgradeRequest, node_id: UUID, at: datetime) -> Admission | Refusal:
    """Authenticate, choose the version and take the lease. For a thread with a database."""
    found = by_identity(request.identity)
    if found is None:
        return _limited(Refusal(404, "unknown_identity"), request.address, at)
    station, operator_id = found
    refused = _refusal(station, request, at)
    if refused is not None:
        refused = _limited(refused, request.address, at)
        if refused.status == 401:  # beyond the limit an attempt costs no write any more
            anomalies.record(station.pk, f"refused: {refused.reason}", request.address, at)
        return refused
    echo, subprotocol = choose_subprotocol(
        request, station.allowed_versions, assumes_one=station.assumes_subprotocol
    )
    if not subprotocol:
        offered = ", ".join(request.subprotocols) or "(none)"
        anomalies.record(station.pk, "no_common_subprotocol", offered, at)
        lease = leases.Lease(0, None)
    else:
        lease = leases.take(
            station.pk, node_id, version=subprotocol, address=request.address, at=at
        )
    return Admission(
        station_id=station.pk,
        identity=station.identity,
        operator_id=operator_id,
        echo=echo,
        subprotocol=subprotocol,
        registration=station.registration_status,
        lease=lease,
    )


def _limited(refused: Refusal, address: str, at: datetime) -> Refusal:
    since, refusals = _refusals.get(address, (at, 0))
    if at - since >= _FAILURE_WINDOW:
        since, refusals = at, 0
    if len(_refusals) >= _CACHE_SIZE:
        _refusals.clear()
    _refusals[address] = (since, refusals + 1)
    return Refusal(429, "too_many_refusals") if refusals >= _MOST_REFUSALS else refused


def _refusal(station: Station, request: UpgradeRequest, at: datetime) -> Refusal | None:
    profile = station.security_profile
    if profile == Station.SecurityProfile.NONE:
        return None
    if profile == Station.SecurityProfile.MUTUAL_TLS:
        return Refusal(401, "client_certificates_are_not_accepted_here")
    if profile == Station.SecurityProfile.TLS_BASIC and not request.is_secure:
        return Refusal(401, "plain_connection_of_a_tls_station")
    credentials = request.credentials
    if credentials is None:
        return Refusal(401, "no_credentials")
    if not _is_user(station, credentials):
        return Refusal(401, "user_is_not_the_identity")
    return _password_refusal(station, credentials, request.address, at)


def _password_refusal(
    station: Station, credentials: Credentials, address: str, at: datetime
) -> Refusal | None:
    key = (station.pk, address)
    since, failures = _failures.get(key, (at, 0))
    if at - since >= _FAILURE_WINDOW:
        since, failures = at, 0
    if failures >= _MOST_FAILURES:
        return Refusal(429, "too_many_wrong_passwords")
    if _is_password(station, credentials):
        _failures.pop(key, None)
        return None
    if len(_failures) >= _CACHE_SIZE:
        _failures.clear()
    _failures[key] = (since, failures + 1)
    return Refusal(401, "wrong_password")


def _is_user(station: Station, credentials: Credentials) -> bool:
    user = credentials.user.decode("utf-8", "replace").lower()
    return hmac.compare_digest(user.encode(), station.identity.lower().encode())


def _is_password(station: Station, credentials: Credentials) -> bool:
    digest = hashlib.blake2b(
        credentials.password, key=_cache_key, person=station.pk.to_bytes(16), digest_size=32
    )
    digest.update(b"\x00" + station.password_hash.encode())
    seal = digest.digest()
    known = _verified.get(station.pk)
    if known is not None and hmac.compare_digest(known, seal):
        return True
    if not check_password(station.password_hash, credentials.password):
        return False
    if len(_verified) >= _CACHE_SIZE:
        _verified.clear()
    _verified[station.pk] = seal
    return True
