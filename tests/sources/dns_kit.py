"""Names that are resolved by the real client, and everything that is published of them."""

import asyncio
from contextlib import suppress
from pathlib import Path

import dns.message
import dns.rcode
import dns.rrset
from prometheus_client import CollectorRegistry

from lbproxy.model.address import Address
from lbproxy.model.snapshot import Services, ServiceSpec
from lbproxy.sources.base import Reference, WantedService
from lbproxy.sources.dns.dns_client import DnsClient
from lbproxy.sources.dns.metrics import DnsMetrics
from lbproxy.sources.dns.reference import DnsName
from lbproxy.sources.dns.resolver import DnsResolver
from lbproxy.sources.merger import Merger
from tests.support.patience import PATIENCE


def write(path: Path, *lines: str) -> None:
    """Replace a file in one step."""
    path.with_suffix(".new").write_text("\n".join([*lines, ""]))
    path.with_suffix(".new").rename(path)


def move(path: Path, target: Path) -> None:
    path.rename(target)


class Names:
    """One service, `web`, whose backends have these names."""

    def __init__(self, resolv_conf: Path, *servers: Address, interval: float = 0.1) -> None:
        self.client = DnsClient(resolv_conf, servers)
        self.registry = CollectorRegistry()
        self.said: list[Services] = []
        self._told = asyncio.Event()
        self.resolver = DnsResolver(lambda: self.client, DnsMetrics(self.registry), interval)
        self.merger = Merger([self.resolver], coalesce=0)
        self.task = asyncio.create_task(self.merger.run(self._hear))

    def follow(self, *names: str | Reference) -> None:
        """Names have port 80."""
        wanted = tuple(DnsName(name, None if name.startswith("_") else 80) if isinstance(name, str) else name
                       for name in names)
        self.merger.take({"web": WantedService(ServiceSpec("web", (), ()), wanted)})

    def _hear(self, services: Services) -> None:
        self.said.append(services)
        self._told.set()

    def backends(self) -> list[str]:
        """What is published, as `10.0.0.1:80`, with a weight that is not 1."""
        spec = self.said[-1]["web"] if self.said else None
        return [f"{one.address},{one.weight}".removesuffix(",1") for one in spec.endpoints] if spec else []

    @property
    def is_known(self) -> bool:
        return bool(self.said) and self.said[-1]["web"].is_known

    async def says(self, *backends: str) -> None:
        """Wait until exactly these are published."""
        async with asyncio.timeout(PATIENCE):
            while self.backends() != list(backends):
                self._told.clear()
                await self._told.wait()

    async def counted(self, result: str, times: int = 1, name: str = "db.test") -> None:
        """Wait until so many lookups more had this result."""
        labels = {"name": name, "result": result}
        until = (self.registry.get_sample_value("lbproxy_dns_lookups_total", labels) or 0) + times
        async with asyncio.timeout(PATIENCE):
            while (self.registry.get_sample_value("lbproxy_dns_lookups_total", labels) or 0) < until:  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    def up(self, name: str = "db.test") -> float | None:
        return self.registry.get_sample_value("lbproxy_dns_up", {"name": name})

    async def close(self) -> None:
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task


def answer(question: dns.message.Message, *records: str,
           rcode: dns.rcode.Rcode = dns.rcode.NOERROR) -> dns.message.Message:
    """An answer with those of the records, as `db.test. 1 IN A 10.0.0.1`, that are of the question's type."""
    made = dns.message.make_response(question)
    made.set_rcode(rcode)
    asked = question.question[0]
    for record in records:
        name, ttl, kind, kind_of_record, data = record.split(" ", 4)
        if kind_of_record in {asked.rdtype.name, "CNAME"}:
            made.answer.append(dns.rrset.from_text(name, int(ttl), kind, kind_of_record, data))
    return made
