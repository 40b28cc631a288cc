"""Whether an id token is one that the provider made, for us, now, and for this sign-in."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import jwt
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.crypto import constant_time_compare

from accounts.domain.contacts import email_address
from accounts.services.oidc.assertions import Assertion, AssertionRefused
from accounts.services.oidc.keys import KeyStore

LEEWAY_SECONDS = 60
REQUIRED = ["iss", "aud", "sub", "exp", "iat", "nonce"]
_LONGEST_SUBJECT = 255


class TokenVerifier:
    """Verifies by the provider's published keys, with the algorithms of its entry and no other."""

    def __init__(self, key: str, facts: dict[str, Any], keys: KeyStore) -> None:
        self.key = key
        self.name = str(facts["name"])
        self._algorithms: list[str] = facts["algorithms"]
        self._issuers: list[str] = facts["issuers"]
        self._client_ids: list[str] = facts["client_ids"]
        self._keys = keys

    def verify(self, raw: str, *, nonce: str, at: datetime) -> Assertion:
        claims = self._claims(raw)
        if not _is_nonce(str(claims["nonce"]), nonce):
            raise AssertionRefused("nonce")
        # With several audiences the token says for whom of them it was made (OIDC Core 3.1.3.7).
        is_shared = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if is_shared and claims.get("azp") not in self._client_ids:
            raise AssertionRefused("azp")
        subject = claims["sub"]
        if not 0 < len(subject) <= _LONGEST_SUBJECT:
            raise AssertionRefused("sub")
        name = claims.get("name")
        return Assertion(
            provider=self.key,
            subject=subject,
            digest=self._digest(raw),
            expires_at=datetime.fromtimestamp(int(claims["exp"]) + LEEWAY_SECONDS, UTC),
            email=_verified_email(claims),
            display_name=_readable(name) if isinstance(name, str) else "",
        )

    def _claims(self, raw: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(raw)
            algorithm, key_id = header.get("alg"), header.get("kid")
            if algorithm not in self._algorithms or not isinstance(key_id, str):
                raise AssertionRefused("alg or kid")
            key = self._keys.key(key_id)
            # The key says what it is for: a token cannot choose another use of it.
            if key is None or key.algorithm_name != algorithm:
                raise AssertionRefused("key")
            claims: dict[str, Any] = jwt.decode(
                raw,
                key=key,
                algorithms=[algorithm],
                audience=self._client_ids,
                issuer=self._issuers,
                leeway=LEEWAY_SECONDS,
                options={"require": REQUIRED},
            )
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise AssertionRefused(type(error).__name__) from error
        return claims

    def _digest(self, raw: str) -> str:
        # Without the signature: one and the same statement can carry several that are right.
        statement = raw.rpartition(".")[0]
        return hashlib.sha256(f"{self.key}:{statement}".encode()).hexdigest()


def _is_nonce(claimed: str, nonce: str) -> bool:
    """Apps may give the provider a hash and keep the nonce itself until they come to us."""
    hashed = hashlib.sha256(nonce.encode()).hexdigest()
    return constant_time_compare(claimed, nonce) or constant_time_compare(claimed, hashed)


def _verified_email(claims: dict[str, Any]) -> str:
    said = claims.get("email_verified")
    # Apple writes the truth as text.
    if said is not True and said != "true":
        return ""
    email = claims.get("email")
    if not isinstance(email, str) or len(email) > 254:
        return ""
    try:
        validate_email(email_address(email))
    except ValidationError:
        return ""
    return email_address(email)


def _readable(name: str) -> str:
    plain = " ".join(name.split())[:200]
    return plain if plain.isprintable() else ""
