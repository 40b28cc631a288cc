"""Whether a certificate that a charger shows lets it in."""

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import NameOID

from chargepoints.models import CertificateAuthority, CertificateRequest, Station


def client_problem(station: Station, certificate: x509.Certificate) -> str:
    """Why this verified certificate is not the station's; empty if it is.

    Its common name is the identity or the serial number (security whitepaper, A00). One of our own
    authority must be known here and not revoked; a newer one does not end it.
    """
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    name = str(names[0].value).casefold() if len(names) == 1 else ""
    known = {station.identity.casefold(), station.serial_number.casefold()} - {""}
    if name not in known:
        return "certificate_of_another_name"
    issued = _issued(station, certificate)
    if issued is not None:
        return "certificate_revoked" if issued.revoked_at else ""
    return "certificate_unknown_here" if _is_ours(certificate) else ""


def _issued(station: Station, certificate: x509.Certificate) -> CertificateRequest | None:
    found = CertificateRequest.objects.filter(
        station=station, serial_number=f"{certificate.serial_number:X}"
    ).exclude(chain="")
    for request in found:
        leaf = x509.load_pem_x509_certificates(request.chain.encode())[0]
        if leaf == certificate:
            return request
    return None


def _is_ours(certificate: x509.Certificate) -> bool:
    for pem in CertificateAuthority.objects.values_list("certificate", flat=True):
        authority = x509.load_pem_x509_certificate(pem.encode())
        try:
            certificate.verify_directly_issued_by(authority)
        except (ValueError, TypeError, InvalidSignature):
            continue
        return True
    return False
