"""Chargers with certificates of the local authority, as they get them over OCPP."""

from dataclasses import dataclass

from chargepoints.domain.reports import SigningRequest
from chargepoints.models import CertificateRequest, Station
from chargepoints.services import certificates
from csms.common import clock
from tests.ocpp_gateway.test_v16_security import csr_of
from tests.support.certificates import Holder, key_pem, new_key


@dataclass(frozen=True)
class Certified:
    request: CertificateRequest
    holder: Holder


def certified(station: Station) -> Certified:
    """Signed, and as good as installed."""
    key = new_key()
    report = SigningRequest(clock.now(), csr_of(station, key=key))
    assert certificates.receive_request(station.pk, report)
    command = certificates.sign_pending(station.pk)
    assert command is not None
    request = CertificateRequest.objects.get(command=command)
    return Certified(request, Holder(request.chain, key_pem(key)))
