"""What a service says to have the addresses of a DNS name as its backends."""

from dataclasses import dataclass

from lbproxy.sources.base import Reference


@dataclass(frozen=True, slots=True)
class DnsName(Reference):
    """A host name (its A and AAAA records), or a service name as `_postgres._tcp.db.internal` (its SRV records)."""

    name: str
    port: int | None = None
    """None: as the SRV records say; a host name has one."""
    weight: int | None = None
    """Of each address, 0 to 100; None: as the SRV records say, else 1."""

    def __str__(self) -> str:
        return f"dns {self.name}"
