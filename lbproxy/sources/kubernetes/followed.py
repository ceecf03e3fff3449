"""One Service as we know it: its object, its slices, and what they make of each port that somebody asked for.

A Service that is gone or can't be followed any more takes nothing away: the name of its port stays what it was.
"""

import structlog

from lbproxy.model import Endpoint
from lbproxy.sources.kubernetes.collection import ServiceName
from lbproxy.sources.kubernetes.fields import Fields
from lbproxy.sources.kubernetes.service_port import ServiceError, port_name
from lbproxy.sources.kubernetes.slice_part import SlicePart, read_slice
from lbproxy.sources.kubernetes.slices import combine
from lbproxy.sources.kubernetes.watch import Objects

TOLD_AT_MOST = 5
"""Reasons in one log line why parts of slices are not used."""

log = structlog.get_logger()


class FollowedPort:
    """One port of one Service."""

    def __init__(self, service: ServiceName, port: str | int | None, zone: str = "") -> None:
        self._service, self._wanted, self._zone = service, port, zone
        self._name: str | None = None
        self._trouble = ""
        self._skipped: tuple[str, ...] = ()
        self._slices: Objects | None = None
        self._parts: dict[str, tuple[Fields, SlicePart]] = {}
        self._log = log.bind(service=str(service), **({} if port is None else {"port": port}))

    @property
    def is_known(self) -> bool:
        """Both the Service and its slices were seen."""
        return self._name is not None and self._slices is not None

    def see_service(self, found: Objects) -> None:
        """Take what a watch of the Service says."""
        if self._service.name not in found:
            self._tell(f"Service {self._service} does not exist; create it, or name another one")
            return
        try:
            name = port_name(found[self._service.name], self._wanted)
        except ServiceError as error:
            self._tell(str(error))
            return
        self._tell("")
        if name != self._name:
            self._name, self._parts = name, {}

    def see_slices(self, found: Objects) -> None:
        """Take what a watch of its slices says."""
        self._slices = found

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Give what is known now. Slices that did not change are not read again."""
        self._parts = {name: (content, self._part(name, content)) for name, content in (self._slices or {}).items()}
        reading = combine((part for _, part in self._parts.values()), self._zone)
        self._report(reading.skipped)
        return reading.endpoints

    def _part(self, name: str, content: Fields) -> SlicePart:
        known = self._parts.get(name)
        return known[1] if known and known[0] is content else read_slice(content, self._name or "")

    def _tell(self, trouble: str) -> None:
        if trouble and trouble != self._trouble:
            self._log.error("Service can't be followed, going on with what is known", error=trouble)
        elif self._trouble and not trouble:
            self._log.info("Service is followed")
        self._trouble = trouble

    def _report(self, skipped: tuple[str, ...]) -> None:
        if skipped and skipped != self._skipped:
            self._log.warning("parts of its EndpointSlices are not used", count=len(skipped),
                              reasons=list(skipped[:TOLD_AT_MOST]))
        self._skipped = skipped
