"""A cluster of Services and EndpointSlices as its API server sees it, and single endpoints that change at random."""

import random
from dataclasses import dataclass, field

from bench.backends import Backends

Json = dict[str, object]

NAMESPACE = "default"
SLICE_SIZE = 100
"""Endpoints in a slice at most, as the real controller has it."""
READY: Json = {"ready": True, "serving": True, "terminating": False}
NOT_READY: Json = {"ready": False, "serving": False, "terminating": False}


@dataclass(frozen=True, slots=True)
class Scale:
    """How many Services there are, and how many endpoints each has."""

    name: str
    services: int
    endpoints: int

    def names(self) -> list[str]:
        """Return the names of the Services."""
        return [f"web-{number}" for number in range(self.services)]


SCALES = (Scale("wide", 1, 10_000), Scale("many", 1_000, 10))


@dataclass(frozen=True, slots=True)
class Change:
    """One endpoint's change: the slice that tells of it, and what lbproxy is to make of the endpoint."""

    slice_name: str
    backend: str
    state: str


@dataclass(slots=True)
class _Slice:
    service: str
    port: int
    hosts: list[str]
    away: dict[str, str] = field(default_factory=dict)
    """Those of them that are not ready, or not there at all, and what lbproxy calls that."""


class Cluster:
    """Every endpoint is ready at first; its address is one of `backends`."""

    def __init__(self, scale: Scale, backends: Backends) -> None:
        hosts = [address.host for address in backends.first(scale.services * scale.endpoints)]
        self.services = {name: service(name) for name in scale.names()}
        self._slices: dict[str, _Slice] = {}
        self._away: list[tuple[str, str]] = []
        for at in range(0, len(hosts), min(SLICE_SIZE, scale.endpoints)):
            owner = f"web-{at // scale.endpoints}"
            part = hosts[at:at + min(SLICE_SIZE, scale.endpoints)]
            self._slices[f"{owner}-{at}"] = _Slice(owner, backends.port, part)

    def slices(self) -> dict[str, Json]:
        """Return all EndpointSlices by name."""
        return {name: self.slice(name) for name in self._slices}

    def slice(self, name: str) -> Json:
        """Return one as it is now."""
        one = self._slices[name]
        there = [host for host in one.hosts if one.away.get(host) != "draining"]
        return {
            "kind": "EndpointSlice", "apiVersion": "discovery.k8s.io/v1", "addressType": "IPv4",
            "metadata": {"name": name, "namespace": NAMESPACE, "uid": f"uid-{name}",
                         "labels": {"kubernetes.io/service-name": one.service,
                                    "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"}},
            "ports": [{"name": "http", "port": one.port, "protocol": "TCP"}],
            "endpoints": [_endpoint(host, is_ready=host not in one.away) for host in there],
        }

    def change(self, number: int) -> Change:
        """Turn a ready endpoint away (not ready, or gone) if `number` is even, else bring one back."""
        if number % 2 and self._away:
            name, host = self._away.pop(random.randrange(len(self._away)))
            del self._slices[name].away[host]
            return self._told(name, host, "active")
        name = random.choice(list(self._slices))
        one = self._slices[name]
        host = random.choice([host for host in one.hosts if host not in one.away])
        one.away[host] = state = random.choice(("down", "draining"))
        self._away.append((name, host))
        return self._told(name, host, state)

    def _told(self, name: str, host: str, state: str) -> Change:
        return Change(name, f"{host}:{self._slices[name].port}", state)


def service(name: str) -> Json:
    """Return a Service with one port."""
    return {"kind": "Service", "apiVersion": "v1", "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {"type": "ClusterIP", "ports": [{"name": "http", "port": 80, "protocol": "TCP"}]}}


def _endpoint(host: str, *, is_ready: bool) -> Json:
    pod = f"web-7d4b9c6f5-{host.replace('.', '-')}"
    return {"addresses": [host], "conditions": READY if is_ready else NOT_READY, "nodeName": f"node-{hash(host) % 100}",
            "targetRef": {"kind": "Pod", "namespace": NAMESPACE, "name": pod, "uid": f"1e9f3a52-{pod}"}, "zone": "a"}
