"""Networks that a caller may come from."""

import ipaddress
from collections.abc import Iterable

MOST_NETWORKS = 50


class NotANetwork(ValueError):
    """The text names no IPv4 or IPv6 network, or there are too many of them."""


def parse_networks(texts: Iterable[str]) -> list[str]:
    """CIDR texts in their canonical form, each once; empty ones are left out.

    A single address is a network of one. `NotANetwork` with the text that is none: also for an
    address with host bits (10.0.0.5/8), since one cannot know what was meant.
    """
    found: dict[str, None] = {}
    for text in texts:
        if text := text.strip():
            try:
                found[str(ipaddress.ip_network(text))] = None
            except ValueError as error:
                raise NotANetwork(text) from error
    if len(found) > MOST_NETWORKS:
        raise NotANetwork(f"{len(found)} > {MOST_NETWORKS}")
    return list(found)


def contains(networks: Iterable[str], address: str) -> bool:
    """Whether `address` lies in one of them; an IPv4 address also where it comes as IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return any(parsed in ipaddress.ip_network(network) for network in networks)
