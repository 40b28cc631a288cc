"""Who is at the other end, as far as the configured number of proxies lets us know."""

import ipaddress

from django.conf import settings
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
    if not proxies or not forwarded or not may_forward(remote):
        return remote
    hops = [hop.strip() for hop in forwarded.split(",")]
    # Each proxy appends the address it saw: what stands further left is anybody's claim.
    candidate = hops[-min(proxies, len(hops))]
    try:
        return str(ipaddress.ip_address(candidate))
    except ValueError:
        return remote


def may_forward(remote: str) -> bool:
    """Whether the peer's `X-Forwarded-*` counts, as far as there are proxies at all.

    Where it is not said which peers are ours, the port is taken to be reachable for them alone.
    """
    return not settings.TRUSTED_PROXIES or is_trusted_proxy(remote)


def is_trusted_proxy(remote: str) -> bool:
    """Whether the peer is one that `TRUSTED_PROXIES` names."""
    try:
        address = ipaddress.ip_address(remote)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in network for network in settings.TRUSTED_PROXIES)


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
