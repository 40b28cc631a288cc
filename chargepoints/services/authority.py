"""The local certificate authority: what may be signed, and the signature.

The port to replace by a company's own authority is `sign`: a checked request in, a chain out.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.db import IntegrityError, transaction

from chargepoints.models import CertificateAuthority

NAME = "CSMS charging station authority"
AUTHORITY_DAYS = 3650
CERTIFICATE_DAYS = 730
SMALLEST_RSA = 2048
# A charger's clock may be behind ours.
BACKDATED = timedelta(hours=1)


class CsrRefused(Exception):
    """The request must not be signed; the text says why."""


@dataclass(frozen=True, slots=True)
class Signed:
    """`leaf` and `authority` are PEM; `serial_number` is hexadecimal."""

    leaf: str
    authority: str
    serial_number: str
    expires_at: datetime


def check(csr: str, *, common_name: str, organisations: set[str]) -> x509.CertificateSigningRequest:
    """Parse a PEM request and refuse what is not this charger's, or not safe, with `CsrRefused`."""
    try:
        request = x509.load_pem_x509_csr(csr.encode())
        is_own = request.is_signature_valid
    except (ValueError, UnsupportedAlgorithm, InvalidSignature) as error:
        raise CsrRefused(f"It cannot be read: {error}") from error
    if not is_own:
        raise CsrRefused("Its signature is not by its own key.")
    _check_key(request)
    name = _attribute(request, NameOID.COMMON_NAME)
    if name.lower() != common_name.lower():
        raise CsrRefused(f"The common name is {name!r}, not {common_name!r}.")
    organisation = _attribute(request, NameOID.ORGANIZATION_NAME)
    if organisation.casefold() not in {known.casefold() for known in organisations}:
        raise CsrRefused(f"The organisation is {organisation!r}, not the operator.")
    return request


def _check_key(request: x509.CertificateSigningRequest) -> None:
    try:
        key = request.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CsrRefused(f"Its key cannot be used: {error}") from error
    is_safe = (
        key.key_size >= SMALLEST_RSA
        if isinstance(key, rsa.RSAPublicKey)
        else isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= 256
    )
    if not is_safe:
        raise CsrRefused("Its key is too short, or of a kind that is not signed here.")


def _attribute(request: x509.CertificateSigningRequest, oid: x509.ObjectIdentifier) -> str:
    found = request.subject.get_attributes_for_oid(oid)
    return str(found[0].value) if len(found) == 1 else ""


def sign(request: x509.CertificateSigningRequest, at: datetime) -> Signed:
    """Sign a checked request with the active authority. Nothing but its name and key is taken."""
    authority = active(at)
    issuer = x509.load_pem_x509_certificate(authority.certificate.encode())
    key = serialization.load_pem_private_key(authority.private_key.encode(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("The authority's key is not of its kind.")
    is_rsa = isinstance(request.public_key(), rsa.RSAPublicKey)
    expires_at = min(at + timedelta(days=CERTIFICATE_DAYS), issuer.not_valid_after_utc)
    subject = x509.Name(
        [
            x509.NameAttribute(oid, _attribute(request, oid))
            for oid in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME)
        ]
    )
    serial = x509.random_serial_number()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject)
        .public_key(request.public_key())
        .serial_number(serial)
        .not_valid_before(at - BACKDATED)
        .not_valid_after(expires_at)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(is_authority=False, encipherment=is_rsa), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False
        )
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(request.public_key()), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    return Signed(_pem(certificate), authority.certificate, f"{serial:X}", expires_at)


def active(at: datetime) -> CertificateAuthority:
    """The active authority; the first request makes it."""
    found = CertificateAuthority.objects.filter(is_active=True).first()
    if found is not None:
        return found
    try:
        with transaction.atomic():
            return _create(at)
    except IntegrityError:
        # Another process was first.
        return CertificateAuthority.objects.get(is_active=True)


def trusted(at: datetime) -> str:
    """The certificates in PEM by which what is signed here is known: the active one, and replaced
    ones until they expire."""
    active(at)
    known = CertificateAuthority.objects.order_by("-is_active", "-pk")
    return "".join(
        one.certificate.rstrip() + "\n"
        for one in known
        if x509.load_pem_x509_certificate(one.certificate.encode()).not_valid_after_utc > at
    )


def _create(at: datetime) -> CertificateAuthority:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - BACKDATED)
        .not_valid_after(at + timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(is_authority=True, encipherment=False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return CertificateAuthority.objects.create(
        name=NAME, certificate=_pem(certificate), private_key=private.decode(), created_at=at
    )


def _usage(*, is_authority: bool, encipherment: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=encipherment,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
