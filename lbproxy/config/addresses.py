"""The kinds of addresses: where to listen, where backends are, where the admin server is.

Refused here is what would bind or connect to something else than its writer thinks.
"""

import ipaddress

from lbproxy.config.kinds import Kind
from lbproxy.model import Address
from lbproxy.quoting import quoted

_LONGEST = 80
_EXAMPLES = "127.0.0.1:8080 or [::1]:8080"


class Listen(Kind[Address]):
    """An address to listen on; 0.0.0.0 and [::] are all of their family."""

    metavar = "ADDRESS"

    def read(self, value: object) -> Address:
        """Take `127.0.0.1:8080`, `[::1]:8080` or an `Address`."""
        address = value if isinstance(value, Address) else _parsed(value)
        return _checked(address)

    def show(self, value: Address) -> str:
        """Give the canonical text."""
        return str(value)


class Upstream(Listen):
    """The address of one backend."""

    def read(self, value: object) -> Address:
        """Take what `Listen` takes, except what names no single host."""
        address = super().read(value)
        if ipaddress.ip_address(address.host).is_unspecified:
            raise ValueError(f"{address} names no host; write the backend's own address, such as {_EXAMPLES}")
        return address


class Admin(Kind[Address | None]):
    """The admin server's address, or `off`."""

    metavar = "HOST:PORT|off"

    def read(self, value: object) -> Address | None:
        """Take an address, or `off`, which YAML 1.1 tools turn into `false`."""
        is_off = value is None or value is False or (
            isinstance(value, str) and value.lower() in {"off", "false"})
        return None if is_off else Listen().read(value)

    def show(self, value: Address | None) -> str:
        """Give the canonical text, or `off`."""
        return "off" if value is None else str(value)


def _parsed(value: object) -> Address:
    if not isinstance(value, str) or len(value) > _LONGEST or "%" in value:
        raise ValueError(f"{quoted(value)} is not ADDRESS:PORT, such as {_EXAMPLES}")
    return Address.parse(value)


def _checked(address: Address) -> Address:
    host = ipaddress.ip_address(address.host)
    if host.is_multicast:
        raise ValueError(f"{address} is a multicast address; write a unicast one, such as {_EXAMPLES}")
    if isinstance(host, ipaddress.IPv6Address) and host.ipv4_mapped:
        raise ValueError(f"this is {host.ipv4_mapped} in IPv6 form; write {host.ipv4_mapped}:{address.port}")
    return address
