"""An OpenID Connect provider on the loopback: real HTTP, real keys, any claims."""

import json
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

ISSUER = "https://provider.example"
CLIENT_ID = "our-app"
NONCE = "n-0S6_WzA2Mj"


class Key:
    """A signing key with the name that tokens and the key list give it."""

    def __init__(self, key_id: str, algorithm: str = "ES256") -> None:
        self.key_id = key_id
        self.algorithm = algorithm
        self.private: Any = (
            ec.generate_private_key(ec.SECP256R1())
            if algorithm == "ES256"
            else rsa.generate_private_key(public_exponent=65537, key_size=2048)
        )

    @property
    def pem(self) -> bytes:
        public: bytes = self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return public

    @property
    def published(self) -> dict[str, Any]:
        kind = ECAlgorithm if self.algorithm == "ES256" else RSAAlgorithm
        plain = json.loads(kind.to_jwk(self.private.public_key()))
        return {**plain, "kid": self.key_id, "use": "sig", "alg": self.algorithm}


class Provider:
    """Serves its keys; `answer` in their place if it is set: (status, headers, body).

    While `may_answer` is not set, requests wait for it.
    """

    def __init__(self) -> None:
        self.keys = [Key("first")]
        self.answer: tuple[int, dict[str, str], bytes] | None = None
        self.requests = 0
        self.may_answer = threading.Event()
        self.may_answer.set()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.requests += 1
                assert provider.may_answer.wait(60)
                body = json.dumps({"keys": [key.published for key in provider.keys]}).encode()
                status, headers, body = provider.answer or (200, {}, body)
                with suppress(ConnectionError):  # who asked may have given up
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *_args: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        )
        self._thread.start()

    @property
    def jwks_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/keys"

    def facts(self, **changes: Any) -> dict[str, Any]:
        """As in `OIDC_PROVIDERS`."""
        return {
            "name": "LINE",
            "issuers": [ISSUER],
            "jwks_url": self.jwks_url,
            "algorithms": ["ES256", "RS256"],
            "client_ids": [CLIENT_ID, "our-other-app"],
            **changes,
        }

    def stop(self) -> None:
        self.may_answer.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def token(self, key: Key | None = None, *, headers: Any = None, **changes: Any) -> str:
        """An id token of a moment ago for `subject-1`; a claim that is None is left out."""
        key = key or self.keys[0]
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": CLIENT_ID,
            "sub": "subject-1",
            "iat": now,
            "exp": now + 600,
            "nonce": NONCE,
            **changes,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        named = {"kid": key.key_id, **(headers or {})}
        return jwt.encode(kept, key.private, algorithm=key.algorithm, headers=named)
