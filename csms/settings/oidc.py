"""Who may vouch for a driver: OpenID Connect providers as data, switched on by client ids."""

from typing import Any

# What each publishes about itself. LINE signs tokens for apps with ES256; those of its web login
# are signed with the channel's secret (HS256) and are not taken. LINE does not say whether an
# e-mail address was verified, so it never counts as that.
KNOWN_PROVIDERS: dict[str, dict[str, Any]] = {
    "line": {
        "name": "LINE",
        "issuers": ["https://access.line.me"],
        "jwks_url": "https://api.line.me/oauth2/v2.1/certs",
        "algorithms": ["ES256"],
    },
    "google": {
        "name": "Google",
        "issuers": ["https://accounts.google.com", "accounts.google.com"],
        "jwks_url": "https://www.googleapis.com/oauth2/v3/certs",
        "algorithms": ["RS256"],
    },
    "apple": {
        "name": "Apple",
        "issuers": ["https://appleid.apple.com"],
        "jwks_url": "https://appleid.apple.com/auth/keys",
        "algorithms": ["RS256"],
    },
}


def oidc_providers(**client_ids: list[str]) -> dict[str, dict[str, Any]]:
    """The providers for which there is at least one client id of ours."""
    found = {}
    for key, given in client_ids.items():
        ours = [client_id.strip() for client_id in given if client_id.strip()]
        if ours:
            found[key] = {**KNOWN_PROVIDERS[key], "client_ids": ours}
    return found
