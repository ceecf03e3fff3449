"""What one list or watch is about: the objects of one kind in one namespace, of one Service or of all."""

from dataclasses import dataclass
from typing import NamedTuple

SERVICE_LABEL = "kubernetes.io/service-name"
"""The label of each EndpointSlice that names its Service."""


class ServiceName(NamedTuple):
    """Names a Service of the cluster; sorts by namespace first."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Collection:
    """A set of objects that the API lists and watches at one path."""

    namespace: str
    service: str
    """The Service that the objects belong to; empty: every Service of the namespace."""
    group: str
    """The API group; empty: the core API."""
    resource: str
    selector: tuple[str, str] | None
    """A query parameter and its value."""

    @property
    def path(self) -> str:
        """The path at which the API serves them."""
        prefix = f"/apis/{self.group}/v1" if self.group else "/api/v1"
        return f"{prefix}/namespaces/{self.namespace}/{self.resource}"

    @property
    def subject(self) -> str:
        """Their Service, for logs and metrics: `default/web`, or `default/*` for the whole namespace."""
        return f"{self.namespace}/{self.service or '*'}"

    def forbidden(self, verb: str) -> str:
        """Say which rule to add to a Role when the API server answers 403 to `verb`."""
        return (f"not allowed to {verb} {self.resource} in namespace {self.namespace}; "
                f'add to a Role there: {{apiGroups: ["{self.group}"], resources: ["{self.resource}"], '
                'verbs: ["list", "watch"]}, and bind it to our ServiceAccount')


def slices_of(namespace: str, service: str = "") -> Collection:
    """Return the EndpointSlices of a Service, or of every Service of the namespace.

    Slices of any writer count, so there is no selector on `managed-by`: custom controllers write slices too.
    """
    selector = ("labelSelector", f"{SERVICE_LABEL}={service}" if service else SERVICE_LABEL)
    return Collection(namespace, service, "discovery.k8s.io", "endpointslices", selector)


def services_of(namespace: str, service: str = "") -> Collection:
    """Return one Service as a collection of one object or none, or all Services of the namespace.

    A list by name, not a `get`: a Service that does not exist yet is an empty list that can be watched.
    """
    selector = ("fieldSelector", f"metadata.name={service}") if service else None
    return Collection(namespace, service, "", "services", selector)
