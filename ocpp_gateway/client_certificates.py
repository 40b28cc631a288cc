"""The TLS certificate that a charger has shown, to us or to a proxy of ours.

Here TLS is ended by the server itself, which puts what it verified into the scope (ASGI's TLS
extension), or by a proxy, which says it in two headers. Headers count only from a peer that
`TRUSTED_PROXIES` names: anybody else could write them as well.
"""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from cryptography import x509

from csms.common.api.addresses import is_trusted_proxy

# What nginx has in $ssl_client_verify and $ssl_client_escaped_cert.
VERIFY_HEADER: Final = b"x-ssl-client-verify"
CERTIFICATE_HEADER: Final = b"x-ssl-client-cert"
_VERIFIED: Final = "SUCCESS"
_NONE_SHOWN: Final = ("", "NONE")
_DETAIL_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """`problem`: why it proves nothing. Without one its chain and its time have been verified."""

    certificate: x509.Certificate | None
    problem: str = ""


def shown(scope: dict[str, Any]) -> ClientCertificate | None:
    """None if the charger has shown no certificate."""
    client = scope.get("client")
    if client and is_trusted_proxy(str(client[0])):
        # Also if the proxy has shown one of its own.
        return _said_by_proxy(scope["headers"])
    told = scope.get("extensions", {}).get("tls")
    if not told or not told["client_cert_chain"]:
        return None
    if told["client_cert_error"]:
        return ClientCertificate(None, told["client_cert_error"])
    return _read(told["client_cert_chain"][0].encode())


def _said_by_proxy(headers: list[tuple[bytes, bytes]]) -> ClientCertificate | None:
    verdicts = [value.decode("latin-1") for name, value in headers if name == VERIFY_HEADER]
    certificates = [value for name, value in headers if name == CERTIFICATE_HEADER]
    if all(verdict in _NONE_SHOWN for verdict in verdicts):
        return None
    # Two of them: the proxy has added its own to what the client wrote.
    if verdicts != [_VERIFIED] or len(certificates) != 1:
        return ClientCertificate(None, ", ".join(verdicts)[:_DETAIL_LENGTH])
    return _read(unquote_to_bytes(certificates[0]))


def _read(pem: bytes) -> ClientCertificate:
    try:
        return ClientCertificate(x509.load_pem_x509_certificate(pem))
    except ValueError as error:
        return ClientCertificate(None, f"unreadable: {error}"[:_DETAIL_LENGTH])
