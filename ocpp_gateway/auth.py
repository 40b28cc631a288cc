"""Who may open a socket: decided before the upgrade, in one visit to the database."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from django.db.models.functions import Lower

from chargepoints.models import Station
from chargepoints.services import anomalies
from chargepoints.services.passwords import check_password
from ocpp_gateway.handshake import Credentials, UpgradeRequest, choose_subprotocol
from ocpp_gateway.services import leases

logger = structlog.get_logger(__name__)
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
    station = (
        Station.objects.annotate(normal_form=Lower("identity"))
        .select_related("site")
        .filter(normal_form=request.identity.lower(), archived_at__isnull=True)
        .first()
    )
    if station is None:
        return Refusal(404, "unknown_identity")
    refused = _refusal(station, request)
    if refused is not None:
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
        operator_id=station.site.operator_id,
        echo=echo,
        subprotocol=subprotocol,
        registration=station.registration_status,
        lease=lease,
    )


def _refusal(station: Station, request: UpgradeRequest) -> Refusal | None:
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
    if not _is_password(station, credentials):
        return Refusal(401, "wrong_password")
    return None


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
