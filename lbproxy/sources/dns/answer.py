"""What the answers of DNS mean: which records are used, and with which weight. Pure."""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lbproxy.model.errors import LbproxyError
from lbproxy.model.snapshot import MAX_WEIGHT
from lbproxy.sources.address_rules import is_connectable
from lbproxy.text.quoting import quoted

MAX_RECORDS = 1000
"""Addresses of one name that are used: an answer is from outside, and 64 KB of it hold some 4,000."""
MAX_TARGETS = 100
"""SRV records of one name that are used: each costs two more questions."""


class DnsRecord(NamedTuple):
    """One address of a name. Port and weight are those of its SRV record; None: it has none."""

    host: str
    port: int | None = None
    weight: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a name has now."""

    records: tuple[DnsRecord, ...]
    """Each once, sorted: servers rotate them, which is no change."""
    ttl: float
    """Seconds until the first of the records expires."""
    skipped: tuple[str, ...] = ()
    """Why records are not used, each reason once."""
    missing_versions: frozenset[int] = frozenset()
    """IP versions (4, 6) of which nothing could be learned this time."""
    trouble: str = ""
    """Why; empty: everything was learned."""


class DnsError(LbproxyError):
    """Nothing was learned. `result` is what the metric calls it."""

    result = "failed"


class DnsTimeoutError(DnsError):
    """No server has answered in time."""

    result = "timeout"


class EmptyAnswerError(DnsError):
    """The name does not exist, or has no address that can be used: an answer, but never a reason to drop backends."""

    result = "empty"


class SrvRecord(NamedTuple):
    """Where a service is offered, of RFC 2782."""

    priority: int
    weight: int
    port: int
    target: str


def usable_hosts(hosts: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the addresses that one may connect to, and the reasons why others are left out.

    IPv4 in IPv6 form (::ffff:0:0/96) is left out too: it would lead around the other rules.
    """
    used, skipped = [], []
    for host in hosts:
        address = ipaddress.ip_address(host)
        is_mapped = isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None
        if is_mapped or not is_connectable(address):
            skipped.append(f"address {quoted(host)} is link-local, multicast, unspecified or IPv4 in IPv6 form")
        else:
            used.append(str(address))
    return used, skipped


def preferred(records: Iterable[SrvRecord]) -> list[SrvRecord]:
    """Return the records of the lowest priority number, with weights on our scale; `.` as target means none.

    Only the most preferred group is used: RFC 2782 has clients turn to the next one when no host of it can be reached,
    which one client can see and a balancer with health checks of its own can't hand on.
    """
    # Port 0 can't be connected to.
    known = [record for record in records if record.target != "." and record.port]
    lowest = min((record.priority for record in known), default=0)
    # Sorted before it is cut: servers rotate records, and the cut must choose the same ones each time.
    group = sorted({record for record in known if record.priority == lowest})[:MAX_TARGETS]
    return [record._replace(weight=weight)
            for record, weight in zip(group, _scaled([one.weight for one in group]), strict=True)]


def _scaled(weights: Sequence[int]) -> list[int]:
    """Bring weights of 0 to 65535 to 1 to 100, in proportion where they are too large.

    0 is a small chance in RFC 2782; with us it would be none, so it is 1.
    """
    largest = max(weights, default=0)
    # Small weights are left alone, so that 1 and 2 in the zone are 1 and 2 in /backends.
    factor = MAX_WEIGHT / largest if largest > MAX_WEIGHT else 1.0
    return [max(1, round(weight * factor)) for weight in weights]
