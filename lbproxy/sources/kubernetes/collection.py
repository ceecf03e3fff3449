"""What one watch is about: the objects of one kind in one namespace that a selector finds.

Also the words for it: what to grant when access is denied.
"""

from dataclasses import dataclass
from typing import NamedTuple


class ServiceName(NamedTuple):
    """Names a Service."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Collection:
    """Some objects. `group` is empty for the core API."""

    service: ServiceName
    """The Service that they belong to."""
    group: str
    resource: str
    selector: tuple[str, str]
    """The query parameter and its value."""

    @property
    def path(self) -> str:
        """Where the API serves them."""
        prefix = f"/apis/{self.group}/v1" if self.group else "/api/v1"
        return f"{prefix}/namespaces/{self.service.namespace}/{self.resource}"

    def forbidden(self, verb: str) -> str:
        """Say what is missing when the API server answers 403."""
        return (f"not allowed to {verb} {self.resource} in namespace {self.service.namespace}; "
                f'add to a Role there: {{apiGroups: ["{self.group}"], resources: ["{self.resource}"], '
                'verbs: ["get", "list", "watch"]}, and bind it to our ServiceAccount')


def slices_of(service: ServiceName) -> Collection:
    """Give the EndpointSlices of a Service, whoever wrote them."""
    selector = ("labelSelector", f"kubernetes.io/service-name={service.name}")
    return Collection(service, "discovery.k8s.io", "endpointslices", selector)


def object_of(service: ServiceName) -> Collection:
    """Give the Service itself, as a collection of one or none."""
    return Collection(service, "", "services", ("fieldSelector", f"metadata.name={service.name}"))
