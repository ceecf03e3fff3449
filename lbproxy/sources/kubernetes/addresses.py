"""Which texts of a slice are addresses that one can connect to."""

import ipaddress
from functools import lru_cache

from lbproxy.model.address import MAX_PORT
from lbproxy.sources.kubernetes.fields import SkipError
from lbproxy.text.quoting import quoted

VERSIONS = {"IPv4": 4, "IPv6": 6}
"""By `addressType`. The third type, FQDN, is deprecated and needs a resolver: its slices are skipped."""


@lru_cache(maxsize=65_536)
def host(text: str, version: int) -> str:
    """Give the canonical form. Loopback is allowed: API servers refuse it, but tests and plain hosts need it."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise SkipError(f"address {quoted(text)} is not an IP address") from None
    if address.version != version:
        raise SkipError(f"address {quoted(text)} is not IPv{version} as its slice says")
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        raise SkipError(f"address {quoted(text)} is link-local, multicast or unspecified")
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id:
        raise SkipError(f"address {quoted(text)} has a scope")
    return str(address)


def port(number: int) -> int:
    """Give a port that one can connect to."""
    if 1 <= number <= MAX_PORT:
        return number
    raise SkipError(f"port {quoted(number)} is not from 1 to {MAX_PORT}")
