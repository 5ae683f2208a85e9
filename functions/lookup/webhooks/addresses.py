"""Which addresses a webhook may be sent to: those of the public internet, and no others.

A name is resolved once, all its addresses are checked, and the call goes to one of them: a second resolution could lead
elsewhere (DNS rebinding). One address that is refused refuses all.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable

from lookup.bounded_http import Resolve, resolve_addresses
from lookup.errors import ServiceError

# IANA IPv4 Special-Purpose Address Registry, and multicast: private, shared (CGNAT), loopback, link-local with the
# metadata service, protocol assignments, documentation, benchmarking, relays and AS112, reserved.
_REFUSED_V4 = tuple(map(ipaddress.IPv4Network, (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
)))  # fmt: skip
# Global unicast is 2000::/3 (RFC 4291): loopback, mapped and compatible IPv4, NAT64, unique local, link-local,
# site-local and multicast lie outside. Refused of it: protocol assignments with Teredo, documentation, 6to4, AS112.
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_REFUSED_V6 = tuple(map(ipaddress.IPv6Network, (
    "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
)))  # fmt: skip

IsAllowed = Callable[[str], bool]


class AddressRefused(ServiceError):
    """A name leads to an address that no webhook may be sent to."""


def is_public(address: str) -> bool:
    """Return whether an address is one of the public internet."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv4Address):
        return not any(parsed in network for network in _REFUSED_V4)
    if parsed.scope_id is not None or parsed not in _GLOBAL_V6:
        return False
    return not any(parsed in network for network in _REFUSED_V6)


def allowed_addresses(
    host: str,
    port: int,
    *,
    max_seconds: float,
    resolve: Resolve = socket.getaddrinfo,
    is_allowed: IsAllowed = is_public,
) -> list[str]:
    """Resolve a name; IPv4 first, which every network of a function has.

    Raise `AddressRefused`, `TimeoutError`, or the `OSError` of a name that does not resolve.
    """
    found = resolve_addresses(host, port, max_seconds=max_seconds, resolve=resolve)
    if not all(map(is_allowed, found)):
        raise AddressRefused("the name leads to an address that is not of the public internet")
    return sorted(found, key=lambda address: ":" in address)
