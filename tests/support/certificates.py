"""Certificates made on the spot: authorities, servers, chargers."""

import ipaddress
import select
import ssl
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Holder:
    """A certificate with its key, both PEM."""

    certificate: str
    key: str

    def file(self, folder: Path, name: str) -> str:
        """The path of one file with both."""
        path = folder / f"{name}.pem"
        path.write_text(self.key + self.certificate)
        return str(path)


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


class Authority:
    """Signs what it is asked to; its own certificate holds as long as told."""

    def __init__(self, name: str = "Test authority", *, until: timedelta = 30 * DAY) -> None:
        self._key = new_key()
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(self._name)
            .issuer_name(self._name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 60 * DAY)
            .not_valid_after(now + until)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.certificate = certificate.public_bytes(serialization.Encoding.PEM).decode()

    def issue(
        self, name: str, *, since: timedelta = -DAY, until: timedelta = DAY, is_server: bool = False
    ) -> Holder:
        """A certificate for `name`; `since` and `until` from now."""
        key, now = new_key(), datetime.now(UTC)
        names = [x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else []
        usage = ExtendedKeyUsageOID.SERVER_AUTH if is_server else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name(names))
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + since)
            .not_valid_after(now + until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        )
        if is_server:
            here = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
            builder = builder.add_extension(x509.SubjectAlternativeName([here]), critical=False)
        signed = builder.sign(self._key, hashes.SHA256())
        return Holder(signed.public_bytes(serialization.Encoding.PEM).decode(), key_pem(key))


class TakingTurns(ssl.SSLSocket):
    """Reads and writes one after the other.

    websockets reads in a thread of its own, and before Python 3.13 two threads that use one TLS
    connection at the same time may lose what one of them writes.
    """

    def do_handshake(self, block: bool = False) -> None:
        self._turn = threading.Lock()
        super().do_handshake(block)

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        while True:
            if not self.pending():
                select.select([self], [], [])
            with self._turn:
                self.setblocking(False)
                try:
                    return super().recv(buflen, flags)
                except ssl.SSLWantReadError:
                    continue  # no data of the application's: a ticket, or part of a record
                finally:
                    self.setblocking(True)

    def send(self, data: Any, flags: int = 0) -> int:
        with self._turn:
            return super().send(data, flags)


def client_context(
    trusted: str, folder: Path, holder: Holder | None = None, *, name: str = "client"
) -> ssl.SSLContext:
    """How a charger connects that trusts the authorities in `trusted` (PEM)."""
    context = ssl.create_default_context(cadata=trusted)
    context.sslsocket_class = TakingTurns
    if holder is not None:
        context.load_cert_chain(holder.file(folder, name))
    return context
