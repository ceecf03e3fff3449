"""Which parts of a cluster are followed, and with which credentials. Pure."""

from dataclasses import dataclass
from pathlib import Path

from lbproxy.config import Config
from lbproxy.sources.kubernetes.reference import KubernetesPort


@dataclass(frozen=True, slots=True)
class Cluster:
    """A namespace whose Services are followed, and with which credentials; None is where they usually are."""

    namespace: str
    kubeconfig: Path | None = None
    context: str | None = None


def clusters_of(config: Config) -> tuple[Cluster, ...]:
    """Give each namespace once, in the order of the services."""
    return tuple(dict.fromkeys(cluster for cluster, _ in ports_of(config)))


def ports_of(config: Config) -> tuple[tuple[Cluster, KubernetesPort], ...]:
    """Return each port of a Service that is followed, once, and where it is."""
    file, context = Path(config.kubeconfig) if config.kubeconfig else None, config.context or None
    followed = (service.kubernetes for service in config.services if service.kubernetes)
    return tuple(dict.fromkeys((Cluster(one.service[0], file, context), KubernetesPort(*one.service, one.port))
                               for one in followed))
