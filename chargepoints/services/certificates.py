"""Certificates of chargers: the one that each has of its own, and those that it trusts.

The answer to a charger's request must reach it before the certificate does (case 70). So the
request is only checked and kept; once the answer is out, `sign_pending` signs it and queues the
delivery. A process that dies in between leaves the row to the sweep.
"""

from datetime import datetime, timedelta
from typing import Any

import structlog
from cryptography import x509
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from chargepoints.domain.reports import SigningRequest
from chargepoints.domain.security import OPEN_REQUEST_STATES, RequestState
from chargepoints.domain.states import CommandStatus
from chargepoints.domain.text import fit
from chargepoints.events import CertificateRevoked
from chargepoints.locks import lock_certificate_requests, lock_station
from chargepoints.models import (
    CertificateRequest,
    Command,
    ConfigurationValue,
    InstalledCertificate,
    Station,
)
from chargepoints.services import anomalies, authority, commands, configuration
from chargepoints.services.authority import CsrRefused
from chargepoints.services.effects import Effects, Outcome
from csms.common import audit, clock
from csms.common.audit import Actor, SystemActor
from csms.common.errors import Conflict, FieldError, InvalidInput
from csms.common.events import publish

logger = structlog.get_logger(__name__)
ACTOR = SystemActor("certificates")
SEND = "send_certificate"
DETAIL_LENGTH = 500
# What one CertificateSigned of OCPP 1.6 can hold.
LONGEST_CHAIN = 10_000
# The delivery may wait this long for a charger that is busy or away.
DELIVERY_SECONDS = 24 * 3600
# A request that is still pending by then was left by a process that died.
LEFT_BEHIND = timedelta(minutes=1)
_OPEN = Q(state__in=OPEN_REQUEST_STATES)


# --- A certificate of its own -------------------------------------------------------------------


@transaction.atomic
def receive_request(station_id: int, request: SigningRequest) -> bool:
    """Keep a charger's request; whether it will be signed. An older open one is given up."""
    station = lock_station(station_id)
    for older in lock_certificate_requests(station_id, _OPEN):
        _end(older, RequestState.SUPERSEDED, "The charger asked again.")
    state, detail = RequestState.PENDING, ""
    try:
        _check(station, request.csr)
    except CsrRefused as refusal:
        state, detail = RequestState.REFUSED, str(refusal)
        anomalies.record(station_id, "certificate_refused", detail, request.received_at)
    CertificateRequest.objects.create(
        station=station,
        csr=fit(request.csr, LONGEST_CHAIN),
        state=state.value,
        detail=fit(detail, DETAIL_LENGTH),
        received_at=request.received_at,
    )
    return state is RequestState.PENDING


def _check(station: Station, csr: str) -> x509.CertificateSigningRequest:
    """The organisation is the operator's name or code, or what the charger was told it is."""
    operator = station.site.operator
    told = ConfigurationValue.objects.filter(station=station, key="CpoName")
    names = {operator.name, operator.code, *told.values_list("value", flat=True)}
    return authority.check(csr, common_name=station.identity, organisations=names - {""})


def sign_pending(station_id: int) -> Command | None:
    """Sign the station's open request and queue its delivery; None if there is none."""
    with transaction.atomic():
        pending = lock_certificate_requests(station_id, Q(state=RequestState.PENDING))
        if not pending:
            return None
        request = pending[0]
        now = clock.now()
        try:
            signed = authority.sign(_check(request.station, request.csr), now)
        except CsrRefused as refusal:
            # The station or its operator has changed its name since.
            _end(request, RequestState.REFUSED, str(refusal))
            return None
        chain = _chain(station_id, signed)
        if chain is None:
            _end(request, RequestState.FAILED, "The certificate is too long for the charger.")
            return None
        request.chain = chain
        request.serial_number = signed.serial_number
        request.expires_at = signed.expires_at
        request.state = RequestState.SIGNED.value
        request.save(update_fields=["chain", "serial_number", "expires_at", "state"])
        return commands.request(
            request.station, SEND, {}, actor=ACTOR, expires_in_seconds=DELIVERY_SECONDS
        )


def _chain(station_id: int, signed: authority.Signed) -> str | None:
    """With the authority's own certificate if the charger takes that much."""
    known = configuration.whole_number_of(station_id, "CertificateSignedMaxChainSize")
    limit = min(known or LONGEST_CHAIN, LONGEST_CHAIN)
    chains = (signed.leaf + signed.authority, signed.leaf)
    return next((chain for chain in chains if len(chain) <= limit), None)


def sign_left_behind(now: datetime) -> int:
    """Sign what was answered but not signed; returns how many.

    One that cannot be signed now does not keep up the others.
    """
    waiting = CertificateRequest.objects.filter(
        state=RequestState.PENDING,
        received_at__lte=now - LEFT_BEHIND,
        station__archived_at__isnull=True,
    )
    signed = 0
    for station_id in list(waiting.order_by("pk").values_list("station_id", flat=True)[:100]):
        try:
            signed += sign_pending(station_id) is not None
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            logger.exception("certificate_not_signed", station=station_id)
    return signed


def _request_delivery(command: Command) -> None:
    """Also by hand, when a delivery got no answer: the certificate is sent again."""
    signed = lock_certificate_requests(command.station_id, Q(state=RequestState.SIGNED))
    if not signed:
        raise Conflict(_("No signed certificate waits for this charger."), code="no_certificate")
    signed[0].command = command
    signed[0].save(update_fields=["command"])


def _complete_delivery(command: Command) -> dict[str, Any]:
    request = CertificateRequest.objects.filter(command=command).first()
    if request is None or request.state != RequestState.SIGNED:
        raise Conflict("A newer request or delivery has replaced this one.")
    return {"chain": request.chain}


_STATE_OF_DELIVERY = {
    CommandStatus.ACCEPTED: RequestState.INSTALLED,
    CommandStatus.REJECTED: RequestState.REJECTED,
    CommandStatus.FAILED: RequestState.FAILED,
    CommandStatus.EXPIRED: RequestState.FAILED,
    CommandStatus.CANCELLED: RequestState.FAILED,
    # TIMED_OUT is not here: the charger may have it, and a late answer says so.
}


def _end_delivery(command: Command, _outcome: Outcome) -> None:
    state = _STATE_OF_DELIVERY.get(CommandStatus(command.status))
    if state is None:
        return
    for request in lock_certificate_requests(command.station_id, _OPEN & Q(command=command)):
        _end(request, state, command.error)


def _end(request: CertificateRequest, state: RequestState, detail: str) -> None:
    request.state = state.value
    request.detail = fit(detail, DETAIL_LENGTH)
    request.save(update_fields=["state", "detail"])


@transaction.atomic
def revoke(request: CertificateRequest, *, actor: Actor, reason: str = "") -> CertificateRequest:
    """Let nobody in any more by the certificate that was signed. Again: no change.

    Raises `Conflict` if none was signed.
    """
    locked = lock_certificate_requests(request.station_id, Q(pk=request.pk))[0]
    if not locked.chain:
        raise Conflict(_("No certificate was signed for this request."), code="no_certificate")
    if locked.revoked_at is None:
        locked.revoked_at = clock.now()
        locked.save(update_fields=["revoked_at"])
        changes = {"serial_number": locked.serial_number}
        audit.record(actor, "certificate.revoke", locked, reason=reason, changes=changes)
        publish(CertificateRevoked(locked.station_id))
    return locked


DELIVER = Effects(requested=_request_delivery, completed=_complete_delivery, ended=_end_delivery)


# --- Certificates that it trusts ----------------------------------------------------------------


def _request_installation(command: Command) -> None:
    try:
        x509.load_pem_x509_certificates(str(command.parameters.get("certificate")).encode())
    except ValueError as error:
        detail = _("This is no certificate in PEM form.")
        problems = [FieldError("certificate", "invalid", detail)]
        raise InvalidInput(detail, errors=problems) from error


def _end_installation(command: Command, _outcome: Outcome) -> None:
    """What the charger holds now it says best itself."""
    if command.status == CommandStatus.ACCEPTED:
        commands.request(
            command.station,
            "get_installed_certificates",
            {"certificate_type": command.parameters["certificate_type"]},
            actor=ACTOR,
            reason=f"Follows {command.pk}",
        )


def _complete_deletion(command: Command) -> dict[str, Any]:
    """The charger finds a certificate only by the hash that it named itself."""
    parameters = {**command.parameters}
    found = _named(command).first()
    if "hash_algorithm" not in parameters and found is not None:
        parameters["hash_algorithm"] = found.hash_algorithm
    return parameters


def _named(command: Command) -> QuerySet[InstalledCertificate]:
    names = ("issuer_name_hash", "issuer_key_hash", "serial_number")
    wanted = {f"{name}__iexact": command.parameters[name] for name in names}
    return InstalledCertificate.objects.filter(station_id=command.station_id, **wanted)


def _end_deletion(command: Command, outcome: Outcome) -> None:
    if command.status == CommandStatus.ACCEPTED or outcome.get("status") == "NotFound":
        _named(command).delete()


def _end_listing(command: Command, outcome: Outcome) -> None:
    if command.status != CommandStatus.ACCEPTED:
        return
    kind = str(command.parameters["certificate_type"]).lower()
    at = command.answered_at or clock.now()
    InstalledCertificate.objects.filter(station_id=command.station_id, type=kind).delete()
    InstalledCertificate.objects.bulk_create(
        [
            InstalledCertificate(station_id=command.station_id, type=kind, known_at=at, **found)
            for found in outcome.get("certificates", ())
        ],
        # A charger may name one twice.
        ignore_conflicts=True,
    )


INSTALL = Effects(requested=_request_installation, ended=_end_installation)
DELETE = Effects(completed=_complete_deletion, ended=_end_deletion)
LIST = Effects(ended=_end_listing)
