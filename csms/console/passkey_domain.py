"""Which domain passkeys belong to, from the settings alone."""

from urllib.parse import urlsplit


def host_of(url: str) -> str:
    return urlsplit(url).hostname or ""


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def passkeys_can_work(public_url: str, rp_id: str) -> bool:
    """Whether browsers allow passkeys of `rp_id` (empty: the URL's host) at this address.

    WebAuthn asks for https and for the host or a registrable domain above it.
    """
    host = host_of(public_url)
    domain = rp_id or host
    is_inside = host == domain or host.endswith(f".{domain}")
    return public_url.startswith("https://") and bool(domain) and "." in domain and is_inside
