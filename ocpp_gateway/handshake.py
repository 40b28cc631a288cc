"""What an upgrade request says, read strictly and without the database."""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote_to_bytes

from django.conf import settings

from csms.common.api.addresses import address_behind_proxies, may_forward
from ocpp_gateway import client_certificates
from ocpp_gateway.client_certificates import ClientCertificate
from ocpp_gateway.versions import ADAPTERS

PATH_PREFIX = b"ocpp"
IDENTITY_LENGTH = 48
IDENTITY_KEY = "chargepointid"
NORMAL_CLOSURE = 1000
STATUS_TEXTS = {
    401: b"Unauthorized",
    404: b"Not found",
    429: b"Too many attempts",
    503: b"Try again later",
}
RETRY_AFTER = {429: b"60", 503: b"10"}
DEFAULT_SUBPROTOCOL = "ocpp1.6"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Credentials:
    """HTTP Basic, as bytes: neither part need be UTF-8."""

    user: bytes
    password: bytes


@dataclass(frozen=True, slots=True)
class UpgradeRequest:
    """`identity` is decoded exactly once. `query_version` counts only where no subprotocol is."""

    identity: str
    subprotocols: tuple[str, ...]
    query_version: str
    credentials: Credentials | None
    certificate: ClientCertificate | None
    is_secure: bool
    address: str


def is_gateway_path(path: str) -> bool:
    return path.lstrip("/").split("/", 1)[0].lower() == "ocpp"


def read_upgrade(scope: dict[str, Any]) -> UpgradeRequest | None:
    """Return what the charger asks for; None if the address names no station that could exist."""
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    parameters = {key.lower(): values[0] for key, values in query.items()}
    identity = _identity_of(scope, parameters)
    if identity is None or not 0 < len(identity) <= IDENTITY_LENGTH or _CONTROL.search(identity):
        return None
    headers = dict(scope["headers"])
    return UpgradeRequest(
        identity=identity,
        subprotocols=tuple(name.strip() for name in scope.get("subprotocols", ()) if name.strip()),
        query_version=parameters.get("version", ""),
        credentials=_credentials_of(headers.get(b"authorization", b"")),
        certificate=client_certificates.shown(scope),
        is_secure=_is_secure(scope, headers),
        address=_address_of(scope),
    )


def _identity_of(scope: dict[str, Any], parameters: dict[str, str]) -> str | None:
    raw_path = scope.get("raw_path") or scope["path"].encode()
    # From the raw path, because "%2F" belongs to the identity and "/" does not.
    segments = [part for part in raw_path.split(b"?", 1)[0].split(b"/") if part]
    if not segments or segments[0].lower() != PATH_PREFIX or len(segments) > 2:
        return None
    if len(segments) == 1:
        # Decoded by parse_qs: a second time would turn "%2520" into a space.
        raw = parameters.get(IDENTITY_KEY, "").encode()
    else:
        raw = unquote_to_bytes(segments[1])
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None


def _credentials_of(header: bytes) -> Credentials | None:
    scheme, _space, encoded = header.partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    user, colon, password = decoded.partition(b":")
    return Credentials(user, password) if colon else None


def _is_secure(scope: dict[str, Any], headers: dict[bytes, bytes]) -> bool:
    client = scope.get("client")
    if settings.REST_FRAMEWORK["NUM_PROXIES"] and may_forward(str(client[0]) if client else ""):
        # Only a proxy of ours can say it, and then only the proxy: it ends the TLS.
        return headers.get(b"x-forwarded-proto", b"").strip().lower() in (b"https", b"wss")
    return bool(scope.get("scheme") == "wss")


def _address_of(scope: dict[str, Any]) -> str:
    client = scope.get("client")
    forwarded = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
    return address_behind_proxies(str(client[0]) if client else "", forwarded.decode("latin-1"))


def choose_subprotocol(
    request: UpgradeRequest, allowed: list[str], *, default: str
) -> tuple[str | None, str]:
    """Return what to echo in the 101 (None: nothing) and the subprotocol to speak ("" for none).

    The charger's order of preference counts (OCPP-J 1.6 §3.1.2), within what the station's record
    allows. A charger that offers none speaks what its address says, else `default` ("" for none).
    """
    for name in request.subprotocols:
        if name in ADAPTERS and name in allowed:
            return name, name
    if request.subprotocols:
        return None, ""
    assumed = f"ocpp{request.query_version}" if request.query_version else default
    return None, assumed if assumed in ADAPTERS and assumed in allowed else ""


async def refuse(scope: dict[str, Any], send: Any, status: int) -> None:
    """Answer `status` before the upgrade; a server that cannot (daphne) closes, which is a 403."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": NORMAL_CLOSURE})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    if status == 401:
        headers.append((b"www-authenticate", b'Basic realm="ocpp", charset="UTF-8"'))
    if status in RETRY_AFTER:
        headers.append((b"retry-after", RETRY_AFTER[status]))
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": STATUS_TEXTS[status]})
