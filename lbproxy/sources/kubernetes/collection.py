"""What one watch is about: the objects of one kind in one namespace, of one Service or of all.

Also the words for it: what to grant when access is denied.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

SERVICE_LABEL = "kubernetes.io/service-name"
"""On each EndpointSlice: whose it is."""
ALONE_AT_MOST = 4
"""Services of one namespace that are watched one by one; more of them share the watches of the whole namespace."""


class ServiceName(NamedTuple):
    """Names a Service."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Collection:
    """Some objects. `group` is empty for the core API."""

    namespace: str
    service: str
    """The Service that they belong to; empty: all of the namespace."""
    group: str
    resource: str
    selector: tuple[str, str] | None
    """A query parameter and its value."""

    @property
    def path(self) -> str:
        """Where the API serves them."""
        prefix = f"/apis/{self.group}/v1" if self.group else "/api/v1"
        return f"{prefix}/namespaces/{self.namespace}/{self.resource}"

    @property
    def subject(self) -> str:
        """What they are of, for logs and metrics: `default/web`, or `default/*` for all."""
        return f"{self.namespace}/{self.service or '*'}"

    def forbidden(self, verb: str) -> str:
        """Say what is missing when the API server answers 403."""
        return (f"not allowed to {verb} {self.resource} in namespace {self.namespace}; "
                f'add to a Role there: {{apiGroups: ["{self.group}"], resources: ["{self.resource}"], '
                'verbs: ["list", "watch"]}, and bind it to our ServiceAccount')


def slices_of(namespace: str, service: str = "") -> Collection:
    """Give the EndpointSlices of a Service, or of every Service of the namespace; whoever wrote them."""
    selector = ("labelSelector", f"{SERVICE_LABEL}={service}" if service else SERVICE_LABEL)
    return Collection(namespace, service, "discovery.k8s.io", "endpointslices", selector)


def objects_of(namespace: str, service: str = "") -> Collection:
    """Give the Service itself, as a collection of one or none; or all Services of the namespace."""
    selector = ("fieldSelector", f"metadata.name={service}") if service else None
    return Collection(namespace, service, "", "services", selector)


def collections_of(services: Iterable[ServiceName]) -> dict[Collection, frozenset[ServiceName]]:
    """Give what must be watched for these Services, and for which of them each watch is."""
    found: dict[Collection, frozenset[ServiceName]] = {}
    for namespace, group in groupby(sorted(set(services)), attrgetter("namespace")):
        names = frozenset(group)
        shares = [("", names)] if len(names) > ALONE_AT_MOST else [(one.name, frozenset({one})) for one in names]
        for service, share in shares:
            found[objects_of(namespace, service)] = found[slices_of(namespace, service)] = share
    return found
