"""TLS ended by this program itself: chargers with a certificate and those without share a port."""

import ssl
from datetime import datetime

from cryptography import x509
from django.core.exceptions import ImproperlyConfigured

from csms.common import clock

# X509_V_FLAG_NO_CHECK_TIME, for which Python has no name. OpenSSL would end the handshake of a
# charger whose certificate has expired, and nobody would learn which charger it was. `extension`
# looks at the times instead, before the application sees the certificate.
_NO_CHECK_TIME = 0x20_0000
# As TLS writes them.
_VERSIONS = {"TLSv1.2": 0x0303, "TLSv1.3": 0x0304}


def server_context(certificate: str, key: str, client_authorities: str) -> ssl.SSLContext:
    """From paths of PEM files; without `client_authorities` no client is asked for a certificate.

    Raises `ImproperlyConfigured` naming the file that cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key or None)
    except OSError as error:
        raise ImproperlyConfigured(
            f"The TLS certificate {certificate!r} cannot be used with the key {key!r}: {error}"
        ) from error
    if client_authorities:
        try:
            context.load_verify_locations(client_authorities)
        except OSError as error:
            raise ImproperlyConfigured(
                f"The authorities of clients in {client_authorities!r} cannot be used: {error}"
            ) from error
        context.verify_mode = ssl.CERT_OPTIONAL
        context.verify_flags |= _NO_CHECK_TIME | ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def extension(session: ssl.SSLObject) -> dict[object, object]:
    """What ASGI's TLS extension tells of a connection that is past its handshake.

    A certificate without `client_cert_error` is verified: its signature by OpenSSL in the
    handshake, its time here.
    """
    chain: list[str] = []
    name, error = None, None
    presented = session.getpeercert(binary_form=True)
    if presented:
        chain = [ssl.DER_cert_to_PEM_cert(presented)]
        try:
            certificate = x509.load_der_x509_certificate(presented)
            name = certificate.subject.rfc4514_string()
            error = _problem(certificate, _authorities(session.context), clock.now())
        except ValueError as reason:
            error = f"unreadable: {reason}"
    return {
        "server_cert": None,
        "client_cert_chain": chain,
        "client_cert_name": name,
        "client_cert_error": error,
        "tls_version": _VERSIONS.get(session.version() or ""),
        "cipher_suite": None,
    }


def _authorities(context: ssl.SSLContext) -> list[x509.Certificate]:
    return [x509.load_der_x509_certificate(der) for der in context.get_ca_certs(binary_form=True)]


def _problem(
    certificate: x509.Certificate, authorities: list[x509.Certificate], at: datetime
) -> str | None:
    if at > certificate.not_valid_after_utc:
        return "expired"
    if at < certificate.not_valid_before_utc:
        return "not yet valid"
    # Only who stands in the file signs: what a client sends between itself and the file would
    # have times that nobody has looked at.
    signers = [one for one in authorities if one.subject == certificate.issuer]
    if not signers:
        return "not signed by an authority of the file"
    if all(at > signer.not_valid_after_utc for signer in signers):
        return "its authority has expired"
    return None
