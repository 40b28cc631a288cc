"""What is refused of a provider's tokens."""

import hashlib
import json
import time
from typing import Any

import jwt
import pytest

from accounts.models import SpentAssertion, User
from accounts.services.oidc import provider, spending
from tests.api.client import ApiClient
from tests.api.oidc.support import PATH, part, sign_in, with_secret
from tests.support.oidc_provider import CLIENT_ID, NONCE, Key, Provider

pytestmark = pytest.mark.django_db


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        "changes",
        [
            {"aud": "somebody-elses-app"},
            {"aud": None},
            {"aud": [CLIENT_ID, "somebody-elses-app"]},
            {"aud": [CLIENT_ID, "x"], "azp": "x"},
            {"iss": "https://provider.example.evil.test"},
            {"iss": None},
            {"exp": int(time.time()) - 120},
            {"exp": None},
            {"iat": int(time.time()) + 3600},
            {"iat": None},
            {"nbf": int(time.time()) + 3600},
            {"nonce": "another-nonce"},
            {"nonce": None},
            {"nonce": ["n-0S6_WzA2Mj"]},
            {"sub": None},
            {"sub": ""},
            {"sub": "s" * 256},
        ],
    )
    def test_wrong_claims(self, line: Provider, changes: dict[str, Any]) -> None:
        assert sign_in(line.token(**changes), expect=401)["code"] == "id_token_not_valid"
        assert not User.objects.exists()

    def test_a_shared_audience_with_us_as_the_party(self, line: Provider) -> None:
        sign_in(line.token(aud=[CLIENT_ID, "x"], azp=CLIENT_ID))

    def test_the_nonce_may_be_kept_from_the_provider(self, line: Provider) -> None:
        sign_in(line.token(nonce=hashlib.sha256(NONCE.encode()).hexdigest()))
        sign_in(line.token(sub="subject-2"), nonce="another-nonce", expect=401)

    def test_signatures_that_are_not_the_providers(self, line: Provider) -> None:
        token = line.token()
        header, body, signature = token.split(".")

        public_keys = [json.dumps(line.keys[0].published).encode(), line.keys[0].pem]
        claims = jwt.decode(token, options={"verify_signature": False})
        rsa_named_like_it = Key("first", "RS256")
        for forged in (
            f"{part({'alg': 'none', 'kid': 'first'})}.{body}.",
            f"{part({'alg': 'none', 'kid': 'first'})}.{body}.{signature}",
            f"{part({'kid': 'first'})}.{body}.{signature}",
            f"{part({'alg': 'ES256'})}.{body}.{signature}",
            f"{part({'alg': 'ES256', 'kid': 1})}.{body}.{signature}",
            f"{part({'alg': ['ES256'], 'kid': 'first'})}.{body}.{signature}",
            *(with_secret(claims, secret) for secret in public_keys),
            jwt.encode(claims, "k" * 64, algorithm="HS256", headers={"kid": "first"}),
            line.token(Key("first")),
            line.token(rsa_named_like_it),
            line.token(Key("own"), headers={"jwk": Key("own").published}),
            line.token(Key("own"), headers={"jku": line.jwks_url, "kid": "first"}),
            line.token(headers={"kid": "../../first"}),
            f"{header}.{part({**claims, 'sub': 'subject-2'})}.{signature}",
            f"{header}.{body}.",
            token[:-4],
            "x",
            "a.b.c",
            "..",
        ):
            assert sign_in(forged, expect=401)["code"] == "id_token_not_valid", forged
        sign_in(token)

    def test_an_algorithm_that_the_provider_does_not_use(
        self, line: Provider, settings: Any
    ) -> None:
        settings.OIDC_PROVIDERS = {"line": line.facts(algorithms=["RS256"])}
        sign_in(line.token(), expect=401)
        line.keys = [Key("second", "RS256")]
        settings.OIDC_PROVIDERS = {"line": line.facts(algorithms=["RS256"])}
        provider._stores.clear()
        sign_in(line.token())

    def test_a_key_for_something_else(self, line: Provider, monkeypatch: Any) -> None:
        published = {**line.keys[0].published, "use": "enc"}
        line.answer = (200, {}, json.dumps({"keys": [published]}).encode())
        sign_in(line.token(), expect=401)

    def test_a_token_signs_in_once(self, line: Provider) -> None:
        now = int(time.time())
        token, resigned = (line.token(iat=now, exp=now + 600) for _copy in range(2))
        # The same statement with another signature that is right as well.
        assert token != resigned
        assert token.rpartition(".")[0] == resigned.rpartition(".")[0]
        sign_in(token)
        sign_in(token, expect=401)
        sign_in(resigned, expect=401)

    def test_tokens_that_have_expired_are_forgotten(
        self, line: Provider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sign_in(line.token())
        row = SpentAssertion.objects.get()
        assert spending.purge(row.expires_at) == 0
        assert spending.purge(row.expires_at.replace(year=row.expires_at.year + 1)) == 1

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"id_token": "x"},
            {"id_token": "x" * 9000, "nonce": NONCE},
            {"id_token": "x.y.z", "nonce": "short"},
        ],
    )
    def test_bodies_that_are_not_right(self, line: Provider, body: dict[str, str]) -> None:
        ApiClient().call("post", PATH, body, expect=400)

    def test_a_provider_that_is_not_switched_on(self, line: Provider) -> None:
        body = {"id_token": line.token(), "nonce": NONCE}
        ApiClient().call("post", "/api/auth/oidc/google", body, expect=404)
