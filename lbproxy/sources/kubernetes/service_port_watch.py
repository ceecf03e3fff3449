"""One configured port of a Service: its endpoints, from what the watches show of the Service and its slices.

A Service that was deleted, or that can't be followed any more, takes no endpoint away: the port keeps the name that it
had. Only slices remove endpoints.
"""

from collections.abc import Mapping

import structlog

from lbproxy.sources.kubernetes.client.collection import ServiceName
from lbproxy.sources.kubernetes.fields import Fields
from lbproxy.sources.kubernetes.reference import KubernetesPort
from lbproxy.sources.kubernetes.service_endpoints import ServiceEndpoints, SliceMerger
from lbproxy.sources.kubernetes.service_port import ServiceError, port_name

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
        self.trouble = ""
        """Why the Service can't be followed, in one line; empty: it can."""
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
            self._endpoints = self._merger.merge(self._slices or {})
            self._report_skipped(self._endpoints.skipped)
        return self._endpoints

    def _report_trouble(self, trouble: str) -> None:
        if trouble and trouble != self.trouble:
            self._log.error("Service can't be followed, keeping its last known endpoints", error=trouble)
        elif self.trouble and not trouble:
            self._log.info("Service is followed now")
        self.trouble = trouble

    def _report_skipped(self, skipped: tuple[str, ...]) -> None:
        if skipped and skipped != self._skipped:
            self._log.warning("parts of the EndpointSlices are ignored", count=len(skipped),
                              reasons=list(skipped[:LOGGED_REASONS]))
        self._skipped = skipped
