"""Asks DNS servers, through dnspython: the servers, search list and options of resolv.conf, TCP when UDP truncates.

The library checks that an answer belongs to its question, follows CNAMEs and turns to the next server; here is which
names are asked, and what their answers make together.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import dns.asyncresolver
import dns.exception
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver
import structlog

from lbproxy.model.address import Address
from lbproxy.sources.dns.answer import (
    Answer,
    DnsError,
    DnsRecord,
    DnsTimeoutError,
    EmptyAnswerError,
    SrvRecord,
    preferred,
    usable_hosts,
)
from lbproxy.text.quoting import escaped

RESOLV_CONF = Path("/etc/resolv.conf")
QUERY_TIMEOUT = 5.0
"""Seconds for one question, over all servers and repetitions: what resolvers commonly take."""
MAX_QUERIES = 32
"""Questions at a time: hundreds of names at a start are no flood for the server."""
LONGEST_REASON = 200
"""Characters of an error in a log line."""
VERSIONS = {4: dns.rdatatype.A, 6: dns.rdatatype.AAAA}

log = structlog.get_logger()


class _Found(NamedTuple):
    """The data of one question's records, and the shortest TTL on the way to them; no records: it has none."""

    values: tuple[str, ...] = ()
    ttl: float = float("inf")


class DnsClient:
    """Looks names up. `servers` are asked instead of those that the file names; its search list counts anyway."""

    def __init__(self, resolv_conf: Path = RESOLV_CONF, servers: Sequence[Address] = ()) -> None:
        self._path, self._servers = resolv_conf, servers
        self._seen: tuple[int, ...] | None = None
        self._resolver: dns.asyncresolver.Resolver | None = None
        self._slots = asyncio.Semaphore(MAX_QUERIES)

    async def lookup(self, name: str) -> Answer:
        """Return what the name has; raise `DnsError`.

        A name on the search list is passed over only when a server says that there is nothing. An error ends the
        search: the names after it are other hosts.
        """
        resolver = self._current()
        ask = self._services if name.startswith("_") else self._addresses
        for candidate in _candidates(dns.name.from_text(name, origin=None), resolver):
            answer = await ask(resolver, candidate)
            if answer.records:
                return answer
            if answer.skipped:
                raise EmptyAnswerError(f"no address can be used: {answer.skipped[0]}")
        raise EmptyAnswerError("the name does not exist, or has no address")

    def _current(self) -> dns.asyncresolver.Resolver:
        """Return what asks by the file as it is now; it is read again when it has changed."""
        # Looked at for each lookup: the file changes while we run, as with DHCP or a VPN.
        seen = _signature(self._path)
        if self._resolver is None or seen != self._seen:
            try:
                self._resolver = _configured(self._path, self._servers)
            except (dns.exception.DNSException, OSError, ValueError) as error:
                if self._resolver is None:
                    raise DnsError(f"{self._path} can't be used: {_short(error)}") from None
                log.warning("resolv.conf can't be used, going on with what it said", error=_short(error))
            # Also after a failure: a broken file is read and reported once, not at each lookup.
            self._seen = seen
        return self._resolver

    async def _addresses(self, resolver: dns.asyncresolver.Resolver, name: dns.name.Name) -> Answer:
        """Ask for both kinds of addresses. If one can't be had, the other is an answer: many servers fail at AAAA."""
        found = await asyncio.gather(*(self._tried(resolver, name, kind) for kind in VERSIONS.values()))
        hosts, skipped = usable_hosts(host for one in found if isinstance(one, _Found) for host in one.values)
        failed = {version: one for version, one in zip(VERSIONS, found, strict=True) if isinstance(one, DnsError)}
        if failed and not hosts:
            # No address at all and a failure: that is no empty answer, and must not read as one.
            raise next(iter(failed.values()))
        ttl = min(one.ttl for one in found if isinstance(one, _Found))
        return Answer(tuple(DnsRecord(host) for host in sorted(set(hosts))), ttl, tuple(sorted(set(skipped))),
                      frozenset(failed), "; ".join(map(str, failed.values())))

    async def _services(self, resolver: dns.asyncresolver.Resolver, name: dns.name.Name) -> Answer:
        found = await self._asked(resolver, name, dns.rdatatype.SRV)
        targets = preferred(_srv(value) for value in found.values)
        answers = await asyncio.gather(*(self._addresses(resolver, dns.name.from_text(one.target)) for one in targets))
        records = {DnsRecord(record.host, target.port, target.weight)
                   for target, answer in zip(targets, answers, strict=True) for record in answer.records}
        return Answer(tuple(sorted(records)), min([found.ttl, *(answer.ttl for answer in answers)]),
                      tuple(sorted({reason for answer in answers for reason in answer.skipped})),
                      frozenset(version for answer in answers for version in answer.missing_versions),
                      next((answer.trouble for answer in answers if answer.trouble), ""))

    async def _tried(self, resolver: dns.asyncresolver.Resolver, name: dns.name.Name,
                     kind: dns.rdatatype.RdataType) -> _Found | DnsError:
        try:
            return await self._asked(resolver, name, kind)
        except DnsError as error:
            return error

    async def _asked(self, resolver: dns.asyncresolver.Resolver, name: dns.name.Name,
                     kind: dns.rdatatype.RdataType) -> _Found:
        question = f"{kind.name} of {name.to_text(omit_final_dot=True)}"
        try:
            # The wait for a slot is not part of QUERY_TIMEOUT: it is our own limit, not the server's slowness.
            async with self._slots:
                # A name without records of this kind is an answer, not an exception: many hosts have no AAAA.
                answer = await resolver.resolve(name, kind, search=False, raise_on_no_answer=False,
                                                lifetime=QUERY_TIMEOUT)
        except dns.resolver.NXDOMAIN:
            return _Found()
        except dns.resolver.LifetimeTimeout:
            raise DnsTimeoutError(f"{question}: no answer within {QUERY_TIMEOUT:g} s") from None
        except dns.resolver.NoNameservers as error:
            raise DnsError(f"{question}: {_reasons(error)}") from None
        except (dns.exception.DNSException, OSError) as error:
            raise DnsError(f"{question}: {_short(error)}") from None
        values = tuple(record.to_text() for record in answer.rrset or ())
        # The shortest TTL of the chain: a CNAME that changes earlier than the address it leads to counts too.
        return _Found(values, float(answer.chaining_result.minimum_ttl)) if values else _Found()


def _candidates(name: dns.name.Name, resolver: dns.asyncresolver.Resolver) -> list[dns.name.Name]:
    """Return the names to ask for, as resolv.conf(5) has it: with fewer dots than `ndots`, the search list is first."""
    if name.is_absolute():
        return [name]
    # dnspython leaves `domain` set when a `search` follows, though they exclude each other (resolv.conf(5)).
    suffixes = resolver.search or ([resolver.domain] if resolver.domain != dns.name.root else [])
    found = [longer for suffix in suffixes if (longer := _joined(name, suffix))]
    absolute = name.concatenate(dns.name.root)
    is_first = len(name) - 1 >= (1 if resolver.ndots is None else resolver.ndots)
    return [absolute, *found] if is_first else [*found, absolute]


def _joined(name: dns.name.Name, suffix: dns.name.Name) -> dns.name.Name | None:
    try:
        return name.concatenate(suffix)
    except dns.name.NameTooLong:
        return None


def _configured(path: Path, servers: Sequence[Address]) -> dns.asyncresolver.Resolver:
    """Read the file. With servers of our own it need not exist, and need not name any."""
    # Not configured by the constructor: it would read the file of the system, and not the one that is given.
    resolver = dns.asyncresolver.Resolver(configure=False)
    try:
        resolver.read_resolv_conf(str(path))
    except dns.resolver.NoResolverConfiguration:
        if not servers:
            raise
    if servers:
        resolver.nameservers = [dns.nameserver.Do53Nameserver(server.host, server.port) for server in servers]
    return resolver


def _signature(path: Path) -> tuple[int, ...] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _srv(text: str) -> SrvRecord:
    # Written by dnspython from a record that it has parsed: four fields, the first three of them numbers.
    priority, weight, port, target = text.split(" ", 3)
    return SrvRecord(int(priority), int(weight), int(port), target)


def _reasons(error: dns.resolver.NoNameservers) -> str:
    errors = error.kwargs.get("errors", ())
    # dnspython calls a server of plain DNS `Do53:ADDRESS@PORT`, for "DNS over port 53".
    servers = ((str(one[0]).removeprefix("Do53:"), _short(one[3])) for one in errors)
    return "; ".join(dict.fromkeys(f"server {server}: {why}" for server, why in servers)) or _short(error)


def _short(error: object) -> str:
    return escaped(" ".join(str(error).split()))[:LONGEST_REASON] or type(error).__name__
