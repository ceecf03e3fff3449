"""Makes the resolvers: what a service's references may name, and one line for each kind of it."""

from collections.abc import Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry

from lbproxy.config import Config
from lbproxy.sources.base import Resolver
from lbproxy.sources.dns.metrics import DnsMetrics
from lbproxy.sources.dns.name_watch import NameLookup
from lbproxy.sources.dns.resolver import DnsResolver
from lbproxy.sources.kubernetes.client.api_connection import ApiConnection
from lbproxy.sources.kubernetes.metrics import WatchMetrics
from lbproxy.sources.kubernetes.resolver import KubernetesResolver
from lbproxy.tasks import Restarter


async def make_resolvers(config: Config, registry: CollectorRegistry, restarter: Restarter) -> Sequence[Resolver]:
    """Make one of each kind, with its metrics. Raises `ConfigError` if one can't do what the configuration wants."""
    return [await _kubernetes(config, registry, restarter), _dns(config, registry, restarter)]


async def _kubernetes(config: Config, registry: CollectorRegistry, restarter: Restarter) -> KubernetesResolver:
    async def connect() -> ApiConnection:
        from lbproxy.sources.kubernetes.client.api import Api  # noqa: PLC0415 - half a second, which only some need
        from lbproxy.sources.kubernetes.client.credentials import loader  # noqa: PLC0415 - as above

        kubeconfig = Path(config.kubeconfig) if config.kubeconfig else None
        return await Api.connect(loader(kubeconfig, config.context or None))

    resolver = KubernetesResolver(connect, WatchMetrics(registry), zone=config.zone, restarter=restarter)
    if any(service.kubernetes for service in config.services):
        await resolver.connect()  # credentials that can't be read are a mistake, now: after a reload they may come
    return resolver


def _dns(config: Config, registry: CollectorRegistry, restarter: Restarter) -> DnsResolver:
    def make_client() -> NameLookup:
        from lbproxy.sources.dns.dns_client import DnsClient  # noqa: PLC0415 - 100 ms, which only some need

        return DnsClient(servers=config.dns_server)

    return DnsResolver(make_client, DnsMetrics(registry), config.dns_interval, restarter)
