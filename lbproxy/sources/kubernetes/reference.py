"""What a service of ours says to have the endpoints of a Kubernetes Service."""

from dataclasses import dataclass

from lbproxy.sources.base import Reference


@dataclass(frozen=True, slots=True)
class KubernetesPort(Reference):
    """A port of a Service."""

    namespace: str
    service: str
    port: str | int | None = None
    """By name or number as in the Service; None: the only one that it has."""

    def __str__(self) -> str:
        return f"Service {self.namespace}/{self.service}" + ("" if self.port is None else f":{self.port}")
