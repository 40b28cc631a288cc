"""Who is at the other end, as far as the configured number of proxies lets us know."""

import ipaddress

from django.http import HttpRequest
from rest_framework.settings import api_settings


def client_address(request: HttpRequest) -> str:
    """The caller's address: the hop before our own `NUM_PROXIES` proxies, never what it claims.

    With no proxy configured `X-Forwarded-For` is ignored, so that nobody escapes a limit by it.
    """
    remote = str(request.META.get("REMOTE_ADDR") or "")
    return address_behind_proxies(remote, request.META.get("HTTP_X_FORWARDED_FOR") or "")


def address_behind_proxies(remote: str, forwarded: str) -> str:
    """The same from the peer's address and the value of `X-Forwarded-For`."""
    proxies = api_settings.NUM_PROXIES or 0
    if not proxies or not forwarded:
        return remote
    hops = [hop.strip() for hop in forwarded.split(",")]
    # Each proxy appends the address it saw: what stands further left is anybody's claim.
    candidate = hops[-min(proxies, len(hops))]
    try:
        return str(ipaddress.ip_address(candidate))
    except ValueError:
        return remote


def address_group(address: str) -> str:
    """What a limit counts by: an IPv4 address, or the /64 that one IPv6 customer holds."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
