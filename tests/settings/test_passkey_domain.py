from typing import Any

import pytest
from django.test import RequestFactory

from csms import checks
from csms.console.passkey_domain import passkeys_can_work
from csms.console.passkeys import PasskeyHelper, relying_party_id


@pytest.mark.parametrize(
    ("public_url", "rp_id", "works"),
    [
        ("https://csms.example.co.th", "", True),
        ("https://csms.example.co.th:8443/", "example.co.th", True),
        ("https://csms.example.co.th", "csms.example.co.th", True),
        ("http://csms.example.co.th", "", False),
        ("https://csms.example.co.th", "example.com", False),
        ("https://evilexample.co.th", "example.co.th", False),
        ("https://csms.example.co.th", "th.csms.example.co.th", False),
        ("https://localhost", "", False),
        ("", "", False),
    ],
)
def test_where_passkeys_work(public_url: str, rp_id: str, works: bool, settings: Any) -> None:
    assert passkeys_can_work(public_url, rp_id) is works
    settings.CSMS_ENVIRONMENT = "production"
    settings.PUBLIC_URL, settings.PASSKEY_RP_ID = public_url, rp_id
    assert [found.id for found in checks.passkeys_can_be_used()] == ([] if works else ["csms.W001"])


def test_only_localhost_may_use_any_port(settings: Any) -> None:
    settings.PASSKEY_RP_ID = ""
    settings.ALLOWED_HOSTS = ["*"]

    def origins(public_url: str, host: str) -> list[str]:
        settings.PUBLIC_URL = public_url
        return PasskeyHelper(RequestFactory(HTTP_HOST=host).get("/")).get_allowed_origins()

    local = "http://localhost:8000"
    assert origins(local, "localhost:9999") == [local, "http://localhost:9999"]
    assert origins(local, "evil.example") == [local]
    production = "https://csms.example.co.th"
    assert origins(production, "localhost") == [production]
    assert origins(production, "csms.example.co.th:9") == [production]
    assert relying_party_id() == "csms.example.co.th"
