"""The kinds of address options: where to listen, where backends are, where the admin server is.

An address that would bind or connect to something else than its author expects is refused: a multicast address, an IPv4
address in IPv6 form, 0.0.0.0 as a backend (which Linux takes for this host).
"""

import ipaddress

from lbproxy.config.option_kinds import OptionKind
from lbproxy.model.address import Address
from lbproxy.net.unix_path import PREFIX, AdminAddress, UnixPath
from lbproxy.text.quoting import quoted

_LONGEST = 80  # characters; the longest address is 47, and what is longer is not repeated in a message
_EXAMPLES = "127.0.0.1:8080 or [::1]:8080"


class ListenAddress(OptionKind[Address]):
    """An address to listen on; 0.0.0.0 and [::] are all of their family."""

    metavar = "ADDRESS"

    def read(self, value: object) -> Address:
        """Take `127.0.0.1:8080`, `[::1]:8080` or an `Address`."""
        address = value if isinstance(value, Address) else _parsed(value)
        return _checked(address)

    def show(self, value: Address) -> str:
        """Return the canonical text."""
        return str(value)


class BackendAddress(ListenAddress):
    """The address of one backend."""

    def read(self, value: object) -> Address:
        """Take what `ListenAddress` takes, except an address of all hosts."""
        address = super().read(value)
        if ipaddress.ip_address(address.host).is_unspecified:
            raise ValueError(f"{address} is not the address of one host; "
                             f"write the backend's own address, such as {_EXAMPLES}")
        return address


class ServerAddresses(OptionKind[tuple[Address, ...]]):
    """The addresses of servers that are asked one after the other; nothing (the empty text): it is not set."""

    metavar = "ADDRESS"
    is_repeatable = True

    def read(self, value: object) -> tuple[Address, ...]:
        """Take addresses in a list or between commas."""
        given = value if isinstance(value, list | tuple) and not isinstance(value, Address) else [value]
        return tuple(BackendAddress().read(one) for item in given for one in _split(item) if one != "")

    def show(self, value: tuple[Address, ...]) -> str:
        """Give the canonical text."""
        return ",".join(map(str, value))


class AdminAddresses(OptionKind[tuple[AdminAddress, ...]]):
    """The admin server's addresses: a TCP address, a Unix socket, or both; `off` for none."""

    metavar = "ADDRESS|unix:PATH|off"
    is_repeatable = True

    def read(self, value: object) -> tuple[AdminAddress, ...]:
        """Take addresses in a list or between commas, or `off`, which YAML 1.1 tools turn into `false`."""
        if value is None or value is False or value in ((), []) or _is_off(value):
            return ()
        given = value if isinstance(value, list | tuple) and not isinstance(value, Address) else [value]
        found = tuple(_admin(one) for item in given for one in _split(item))
        for kind in (Address, UnixPath):
            if len([one for one in found if isinstance(one, kind)]) > 1:
                raise ValueError(f"{' and '.join(map(str, found))} are too many; write one address and one unix:PATH")
        return found

    def show(self, value: tuple[AdminAddress, ...]) -> str:
        """Return the canonical text, or `off`."""
        return ",".join(map(str, value)) or "off"


def _is_off(value: object) -> bool:
    texts = value if isinstance(value, list | tuple) and not isinstance(value, Address) else [value]
    return len(texts) == 1 and isinstance(texts[0], str) and texts[0].lower() in {"off", "false"}


def _split(item: object) -> list[object]:
    return [*item.split(",")] if isinstance(item, str) else [item]


def _admin(value: object) -> AdminAddress:
    if isinstance(value, UnixPath):
        return value
    if isinstance(value, str) and value.strip().startswith(PREFIX):
        return UnixPath.parse(value.strip())
    return ListenAddress().read(value)


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
