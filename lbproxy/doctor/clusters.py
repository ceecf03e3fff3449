"""Which parts of a cluster are followed, and with which credentials. Pure."""

from dataclasses import dataclass
from pathlib import Path

from lbproxy.config import Config


@dataclass(frozen=True, slots=True)
class Cluster:
    """A namespace whose Services are followed, and with which credentials; None is where they usually are."""

    namespace: str
    kubeconfig: Path | None = None
    context: str | None = None


def clusters_of(config: Config) -> tuple[Cluster, ...]:
    """Give each namespace once, in the order of the services."""
    file, context = Path(config.kubeconfig) if config.kubeconfig else None, config.context or None
    followed = (service.kubernetes.service for service in config.services if service.kubernetes)
    return tuple(dict.fromkeys(Cluster(namespace, file, context) for namespace, _ in followed))
