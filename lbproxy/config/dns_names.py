"""How the configuration names backends by DNS."""

import re
from collections.abc import Mapping

from lbproxy.config.option_kinds import OptionKind
from lbproxy.text.quoting import quoted

LONGEST = 253
"""Characters of a name, without the dot at its end (RFC 1035: 255 bytes on the wire)."""
_LABEL = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"({_LABEL}\.)*(?=[a-z0-9-]*[a-z]){_LABEL}\.?")
"""Letters, digits and hyphens (RFC 1123). No name ends in a number: what does is a mistyped IP address."""
_SERVICE = re.compile(rf"_[a-z0-9]([-a-z0-9]{{0,13}}[a-z0-9])?\._tcp(\.{_LABEL})*\.?")
"""As RFC 2782 and RFC 6335 have it."""
_TEXT = re.compile(r"(?P<name>[^\[\]:%]+)(:(?P<port>[^:]*))?")


class DnsNameKind(OptionKind[str]):
    """A host name, or a service name whose SRV records say the hosts, their ports and weights."""

    metavar = "NAME"

    def read(self, value: object) -> str:
        """Take `db.internal` or `_postgres._tcp.db.internal`; a dot at the end keeps off the search list."""
        # DNS does not tell upper from lower case (RFC 4343); one spelling is one series in the metrics.
        name = value.lower() if isinstance(value, str) else ""
        if len(name.removesuffix(".")) > LONGEST or not (_HOST.fullmatch(name) or _SERVICE.fullmatch(name)):
            raise ValueError(f"{quoted(value)} is not a DNS name; write one such as db.internal, or "
                             "_postgres._tcp.db.internal for SRV records")
        if f".{name.removesuffix('.')}".endswith(".localhost"):  # RFC 6761: no question for DNS
            raise ValueError(f"{name} is not looked up in DNS; write 127.0.0.1 or [::1]")
        return name

    def show(self, value: str) -> str:
        """Give the name itself."""
        return value


def is_service_name(name: str) -> bool:
    """Whether it has SRV records, which say the port."""
    return name.startswith("_")


def split_name(text: str) -> Mapping[str, str] | None:
    """Split `NAME:PORT` or `_SERVICE._tcp.NAME` into the keys of a backend; None: it is none, but maybe an address."""
    match = _TEXT.fullmatch(text.strip())
    name = match["name"].lower() if match else ""
    if match is None or not (_HOST.fullmatch(name) or name.startswith("_")):
        return None
    if match["port"] is None:
        return {"name": match["name"]}
    return {"name": match["name"], "port": match["port"]}
