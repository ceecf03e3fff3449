"""Do the Services that are followed exist, with the ports that are named? Asked of the API server."""

from collections.abc import Iterable

from lbproxy.doctor.clusters import Cluster
from lbproxy.model.errors import ConfigError
from lbproxy.model.finding import Finding, Verdict
from lbproxy.sources.kubernetes.client.answers import read_page
from lbproxy.sources.kubernetes.client.api import Api
from lbproxy.sources.kubernetes.client.api_connection import ApiError
from lbproxy.sources.kubernetes.client.collection import services_of
from lbproxy.sources.kubernetes.client.credentials import loader
from lbproxy.sources.kubernetes.reference import KubernetesPort
from lbproxy.sources.kubernetes.service_port import ServiceError, port_name

WHY = "its EndpointSlices name the backends"


async def followed_services(ports: Iterable[tuple[Cluster, KubernetesPort]]) -> list[Finding]:
    """Judge each port once. What the API server does not answer is left out: the finding about access says so."""
    found = [await _judge(cluster, port) for cluster, port in dict.fromkeys(ports)]
    return [finding for finding in found if finding is not None]


async def _judge(cluster: Cluster, port: KubernetesPort) -> Finding | None:
    collection = services_of(port.namespace, port.service)
    query = dict([collection.selector] if collection.selector else [], limit="1")
    try:
        async with await Api.connect(loader(cluster.kubeconfig, cluster.context)) as api:
            service = read_page(await api.get(collection.path, query)).items.get(port.service)
    except (ConfigError, ApiError):
        return None
    if service is None:
        return _missing(port, "it does not exist", f"kubectl -n {port.namespace} get services")
    try:
        port_name(service, port.port)
    except ServiceError as error:
        return _missing(port, str(error), f"kubectl -n {port.namespace} get service {port.service} -o yaml")
    return Finding(str(port), Verdict.OK, "it exists, and has the port", WHY)


def _missing(port: KubernetesPort, seen: str, look: str) -> Finding:
    return Finding(str(port), Verdict.FATAL, seen, WHY, f"correct the configuration, or the Service: {look}")
