"""The keys of providers, and what is set of them."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache

from accounts.services.oidc import keys
from csms.common.errors import Unavailable
from csms.settings.oidc import KNOWN_PROVIDERS, oidc_providers
from tests.api.client import ApiClient
from tests.api.oidc.support import PATH, Elapsed, sign_in
from tests.support.oidc_provider import NONCE, Key, Provider
from tests.support.threads import in_threads

pytestmark = pytest.mark.django_db


class TestTheProvidersKeys:
    def test_are_fetched_once(self, line: Provider) -> None:
        for number in range(3):
            sign_in(line.token(sub=f"subject-{number}"))
        assert line.requests == 1

    def test_may_be_changed(self, line: Provider, elapsed: Elapsed) -> None:
        sign_in(line.token())
        line.keys = [Key("second", "RS256"), *line.keys]
        elapsed.seconds = keys.ASK_AGAIN_SECONDS
        sign_in(line.token(sub="subject-2"))
        assert line.requests == 2

    def test_a_key_that_was_withdrawn_ends_within_the_hour(
        self, line: Provider, elapsed: Elapsed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(keys, "PATIENCE_SECONDS", 60.0)  # however slow the machine
        old = line.keys[0]
        sign_in(line.token())
        line.keys = [Key("second")]
        elapsed.seconds = keys.FRESH_SECONDS
        sign_in(line.token(old, sub="subject-2"), expect=401)
        sign_in(line.token(sub="subject-3"))

    def test_unknown_keys_make_us_ask_seldom(self, line: Provider, elapsed: Elapsed) -> None:
        for number in range(5):
            sign_in(line.token(headers={"kid": f"made-up-{number}"}), expect=401)
        assert line.requests == 1
        elapsed.seconds = keys.ASK_AGAIN_SECONDS
        sign_in(line.token(headers={"kid": "made-up"}), expect=401)
        assert line.requests == 2

    @pytest.mark.parametrize(
        "answer",
        [
            (500, {}, b""),
            (404, {}, b""),
            (200, {}, b"no json"),
            (200, {}, b"[]"),
            (200, {}, b"{}"),
            (200, {}, b'{"keys": [{"kty": "none"}]}'),
            (200, {}, b'{"keys": 1}'),
            (200, {}, b" " * (keys.LARGEST_ANSWER + 1)),
            (302, {"Location": "http://127.0.0.1:1/keys"}, b""),
        ],
    )
    def test_a_provider_that_answers_nonsense_is_unavailable(
        self, line: Provider, answer: tuple[int, dict[str, str], bytes], elapsed: Elapsed
    ) -> None:
        line.answer = answer
        problem = sign_in(line.token(), expect=503)
        assert problem["code"] == "provider_unavailable"
        sign_in(line.token(), expect=503)
        assert line.requests == 1
        line.answer = None
        elapsed.seconds = keys.ASK_AGAIN_SECONDS
        sign_in(line.token())

    def test_a_provider_that_is_away_is_unavailable(self, line: Provider) -> None:
        line.stop()
        cache.clear()
        body = {"id_token": line.token(), "nonce": NONCE}
        response = ApiClient().call("post", PATH, body, expect=503)
        assert response["Retry-After"] == "30"

    def test_known_keys_go_on_for_a_day_while_it_is_away(
        self, line: Provider, elapsed: Elapsed
    ) -> None:
        sign_in(line.token())
        line.answer = (500, {}, b"")
        elapsed.seconds = keys.FRESH_SECONDS + 1
        sign_in(line.token(sub="subject-2"))
        elapsed.seconds = keys.USABLE_SECONDS
        sign_in(line.token(sub="subject-3"), expect=503)


class TestAProviderThatDoesNotAnswer:
    """Also without a database: a store of keys and threads that want them."""

    @pytest.fixture
    def store(self, line: Provider) -> Iterator[keys.KeyStore]:
        made = keys.KeyStore(line.jwks_url, timeout_seconds=30)
        yield made
        line.may_answer.set()

    def test_keeps_nobody_up_whose_key_is_known(
        self,
        line: Provider,
        store: keys.KeyStore,
        elapsed: Elapsed,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(keys, "PATIENCE_SECONDS", 0.01)
        known = store.key("first")
        assert known is not None
        line.may_answer.clear()
        # Whoever finds that the keys are old, and those after that.
        elapsed.seconds = keys.FRESH_SECONDS
        assert in_threads(4, lambda _n: store.key("first")) == [known] * 4
        # Also while the same request is still on its way when the next would be due.
        elapsed.seconds += keys.ASK_AGAIN_SECONDS
        assert store.key("first") is known
        line.keys = [Key("second"), *line.keys]
        line.may_answer.set()
        assert store.key("second") is not None, "it waits for the request that is on its way"
        assert line.requests == 2

    def test_is_asked_once_by_all_who_wait(self, line: Provider, store: keys.KeyStore) -> None:
        def ask(number: int) -> str | None:
            if number == 0:
                line.may_answer.set()
                return None
            found = store.key("first")
            return None if found is None else str(found.key_id)

        line.may_answer.clear()
        assert in_threads(5, ask) == [None, *["first"] * 4]
        assert line.requests == 1

    def test_is_given_up_by_those_who_need_its_keys(self, line: Provider, elapsed: Elapsed) -> None:
        store = keys.KeyStore(line.jwks_url, timeout_seconds=0.05)
        line.may_answer.clear()
        with pytest.raises(Unavailable):
            store.key("first")


class TestSettings:
    def test_each_provider_is_switched_on_by_its_client_ids(self) -> None:
        found = oidc_providers(line=["1234567890"], google=[], apple=[" ", " th.example.app "])
        assert set(found) == {"line", "apple"}
        assert found["apple"]["client_ids"] == ["th.example.app"]

    def test_keys_come_over_tls_and_are_never_shared_secrets(self) -> None:
        for facts in KNOWN_PROVIDERS.values():
            assert facts["jwks_url"].startswith("https://")
            assert set(facts["algorithms"]) <= {"RS256", "ES256"}
