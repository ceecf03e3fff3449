"""One configured port of a Service: its endpoints, from what the watches show of the Service and its slices.

A Service that was deleted, or that can't be followed any more, takes no endpoint away: the port keeps the name that it
had. Only slices remove endpoints, and only what they list no more: a port that was renamed keeps its endpoints until
the slices have some under the new name.
"""

from collections.abc import Mapping
from dataclasses import replace

import structlog

from lbproxy.sources.kubernetes.client.collection import ServiceName
from lbproxy.sources.kubernetes.fields import Fields
from lbproxy.sources.kubernetes.reference import KubernetesPort
from lbproxy.sources.kubernetes.service_endpoints import ServiceEndpoints, SliceMerger
from lbproxy.sources.kubernetes.service_port import ServiceError, port_name
from lbproxy.sources.kubernetes.slice_ports import listed_hosts, why_missing

LOGGED_REASONS = 5
"""Reasons in one log line why parts of slices are ignored."""

log = structlog.get_logger()

Objects = Mapping[str, Fields]
"""The complete set of objects, by name."""


class ServicePortWatch:
    """Takes what watches see (`see_service`, `see_slices`), and reads it only when `read` asks."""

    def __init__(self, wanted: KubernetesPort, zone: str = "") -> None:
        self.wanted = wanted
        self.service = ServiceName(wanted.namespace, wanted.service)
        self._is_service_seen = False
        self._zone = zone
        self._name: str | None = None
        self._service_trouble = ""
        """Why the Service can't be followed, in one line; empty: it can."""
        self._port_trouble = ""
        """Why its slices have endpoints and none for the port; empty: they have."""
        self._kept = ServiceEndpoints(())
        """The endpoints when the slices last said anything about the port."""
        self._skipped: tuple[str, ...] = ()
        self._slices: Objects | None = None
        self._merger = SliceMerger("")
        self._endpoints: ServiceEndpoints | None = None
        self._log = log.bind(service=str(self.service), **({} if wanted.port is None else {"port": wanted.port}))

    @property
    def is_known(self) -> bool:
        """Whether both the Service and its slices were seen; `read` means nothing before."""
        return self._name is not None and self._slices is not None

    @property
    def is_answered(self) -> bool:
        """Whether the API has said whether the Service exists, and which slices it has."""
        return self._is_service_seen and self._slices is not None

    @property
    def trouble(self) -> str:
        """Why the endpoints may not be what is wanted, in one line; empty: they are. `read` first."""
        return self._service_trouble or self._port_trouble

    def see_service(self, found: Fields | None) -> None:
        """Take the Service as a watch sees it; None: it does not exist."""
        self._is_service_seen = True
        if found is None:
            self._report_trouble(f"Service {self.service} does not exist; create it, or name another one")
            return
        try:
            name = port_name(found, self.wanted.port)
        except ServiceError as error:
            self._report_trouble(str(error))
            return
        self._report_trouble("")
        # Another port: what was merged under the old name is of no use, and all slices are read again.
        if name != self._name:
            self._name, self._merger, self._endpoints = name, SliceMerger(name, self._zone), None

    def see_slices(self, found: Objects) -> None:
        """Take the complete set of its slices as a watch sees it."""
        self._slices, self._endpoints = found, None

    def read(self) -> ServiceEndpoints:
        """Return the endpoints as known now; the same object until something is seen."""
        if self._endpoints is None:
            self._endpoints = self._known(self._merger.merge(self._slices or {}))
            self._report_skipped(self._endpoints.skipped)
        return self._endpoints

    def _known(self, found: ServiceEndpoints) -> ServiceEndpoints:
        """Give what slices say of the port, or what they said last, without the addresses that are in none any more."""
        slices = (self._slices or {}).values()
        trouble = "" if found.endpoints or self._name is None else why_missing(slices, self._name)
        self._report_port(trouble)
        if not trouble:
            self._kept = found
            return found
        hosts = listed_hosts(slices)
        kept = tuple(endpoint for endpoint in self._kept.endpoints if endpoint.address.host in hosts)
        self._kept = replace(found, endpoints=kept)
        return self._kept

    def _report_trouble(self, trouble: str) -> None:
        if trouble and trouble != self._service_trouble:
            # Not "keeping its endpoints": a Service that is deleted takes its slices with it, a moment later.
            self._log.error("Service can't be followed, going by its EndpointSlices", error=trouble)
        elif self._service_trouble and not trouble:
            self._log.info("Service is followed now")
        self._service_trouble = trouble

    def _report_port(self, trouble: str) -> None:
        if trouble and trouble != self._port_trouble:
            self._log.error("EndpointSlices lack the port, keeping endpoints that they still list", error=trouble)
        elif self._port_trouble and not trouble:
            self._log.info("EndpointSlices say what holds for the port again")
        self._port_trouble = trouble

    def _report_skipped(self, skipped: tuple[str, ...]) -> None:
        if skipped and skipped != self._skipped:
            self._log.warning("parts of the EndpointSlices are ignored", count=len(skipped),
                              reasons=list(skipped[:LOGGED_REASONS]))
        self._skipped = skipped
