"""Who may open a socket: decided before the upgrade, in one visit to the database."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chargepoints.domain.quirks import Quirks
from chargepoints.models import Station
from chargepoints.selectors.identities import by_identity
from chargepoints.services import anomalies, security_settings
from csms.common.api.addresses import address_group
from ocpp_gateway import credentials, limits
from ocpp_gateway.credentials import Refusal
from ocpp_gateway.handshake import DEFAULT_SUBPROTOCOL, UpgradeRequest, choose_subprotocol
from ocpp_gateway.services import leases


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
    quirks: Quirks | None = None


def refused_unseen(request: UpgradeRequest, at: datetime) -> Refusal | None:
    """What needs no look at the database: too many wrong passwords a moment ago."""
    if limits.wrong_passwords.is_spent(_guesser(request), at):
        return Refusal(429, "too_many_wrong_passwords")
    return None


def _guesser(request: UpgradeRequest) -> tuple[str, str]:
    return address_group(request.address), request.identity.lower()


def admit(request: UpgradeRequest, node_id: UUID, at: datetime) -> Admission | Refusal:
    """Authenticate, choose the version and take the lease. For a thread with a database."""
    found = by_identity(request.identity)
    if found is None:
        return _limited(Refusal(404, "unknown_identity"), request, at)
    station, operator_id, quirks = found
    # Again, as many may have passed the first look together.
    refused = refused_unseen(request, at) or _refusal(station, request)
    if refused is not None:
        return _refused(station, refused, request, at)
    limits.wrong_passwords.forget(_guesser(request))
    echo, subprotocol = choose_subprotocol(
        request, station.allowed_versions, default=_default_subprotocol(station, quirks)
    )
    if not subprotocol:
        offered = ", ".join(request.subprotocols) or "(none)"
        anomalies.record(station.pk, "no_common_subprotocol", offered, at)
        lease = leases.Lease(0, None)
    else:
        lease = leases.take(
            station.pk,
            node_id,
            version=subprotocol,
            address=request.address,
            at=at,
            credentials_changed_at=station.credentials_changed_at,
        )
    return Admission(
        station_id=station.pk,
        identity=station.identity,
        operator_id=operator_id,
        echo=echo,
        subprotocol=subprotocol,
        registration=station.registration_status,
        lease=lease,
        quirks=quirks,
    )


def _default_subprotocol(station: Station, quirks: Quirks | None) -> str:
    """The station's own word goes first: before its first boot nobody knows its vendor."""
    if station.assumes_subprotocol:
        return DEFAULT_SUBPROTOCOL
    return "" if quirks is None else quirks.default_subprotocol


def _refusal(station: Station, request: UpgradeRequest) -> Refusal | None:
    """A charger that was told a higher profile may use that or, until it has once, the old one."""
    following = station.next_security_profile
    if following is not None and credentials.refusal(station, following, request) is None:
        security_settings.adopt_profile(station, following)
        return None
    return credentials.refusal(station, station.security_profile, request)


def _refused(station: Station, refused: Refusal, request: UpgradeRequest, at: datetime) -> Refusal:
    if refused.reason == credentials.WRONG_PASSWORD:
        limits.wrong_passwords.count(_guesser(request), at)
    refused = _limited(refused, request, at)
    if refused.status == 401:  # beyond the limit an attempt costs no write any more
        detail = f"{request.address} {refused.detail}".strip()
        anomalies.record(station.pk, f"refused: {refused.reason}", detail, at)
    return refused


def _limited(refused: Refusal, request: UpgradeRequest, at: datetime) -> Refusal:
    if limits.refusals.count(address_group(request.address), at):
        return Refusal(429, "too_many_refusals")
    return refused
