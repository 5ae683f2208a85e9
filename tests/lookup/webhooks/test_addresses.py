"""No way inside: a webhook goes to addresses of the public internet, and a name that has another leads nowhere."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookup.webhooks.addresses import AddressRefused, allowed_addresses, is_public

INSIDE = (
    "0.0.0.0",  # noqa: S104 - nothing is bound to it
    "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.0.1",
    "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1",
    "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.255",
    "240.0.0.1", "255.255.255.255",
    "::", "::1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:8.8.8.8", "::10.0.0.1", "64:ff9b::a9fe:a9fe",
    "64:ff9b::8.8.8.8", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1",
    "2002:a9fe:a9fe::1", "2002:808:808::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1",
    "fe80::1%eth0", "2600:1f18::1%eth0", "fec0::1", "ff02::1", "ff0e::1",
    "", "hooks.example.com", "8.8.8", "0x8.8.8.8", "08.8.8.8", "8.8.8.8 ", "[2600:1f18::1]",
)  # fmt: skip
OUTSIDE = ("1.1.1.1", "8.8.8.8", "18.192.0.1", "100.63.255.255", "100.128.0.1", "172.15.255.255", "172.32.0.1",
           "192.0.1.1", "223.255.255.255", "2600:1f18::1", "2a05:d014::1", "2003::1")  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_refused(address: str) -> None:
    """Private, shared, loopback, link-local, metadata, multicast, reserved, and what stands for others in IPv6."""
    assert not is_public(address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_an_address_outside_is_allowed(address: str) -> None:
    """What is beside those ranges is the internet."""
    assert is_public(address)


@given(st.ip_addresses())
def test_nothing_but_global_unicast(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    """What is allowed is global and unicast to the standard library, too, and carries no IPv4 address in it."""
    if is_public(str(address)):
        assert address.is_global
        assert not any((address.is_multicast, address.is_private, address.is_reserved, address.is_loopback))
        if isinstance(address, ipaddress.IPv6Address):
            assert (address.ipv4_mapped, address.sixtofour, address.teredo) == (None, None, None)


def resolving(*addresses: str) -> Callable[..., list[Any]]:
    def resolve(_: str, port: int, **__: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in addresses]

    return resolve


def test_one_refused_address_refuses_all() -> None:
    """A name with a public and a private address leads nowhere: which is called would be the resolver's choice."""
    with pytest.raises(AddressRefused):
        allowed_addresses("a.example", 443, max_seconds=60, resolve=resolving("8.8.8.8", "10.0.0.1"))


def test_the_order_of_addresses() -> None:
    """IPv4 is tried first."""
    found = allowed_addresses("a.example", 443, max_seconds=60, resolve=resolving("2600:1f18::1", "8.8.8.8"))
    assert found == ["8.8.8.8", "2600:1f18::1"]
