"""One port of a Service that somebody asked for: what the Service and its slices make of it.

A Service that is gone or can't be followed any more takes nothing away: the name of its port stays what it was.
"""

from collections.abc import Mapping

import structlog

from lbproxy.model.snapshot import ClusterPort
from lbproxy.sources.kubernetes.collection import ServiceName
from lbproxy.sources.kubernetes.fields import Fields
from lbproxy.sources.kubernetes.service_port import ServiceError, port_name
from lbproxy.sources.kubernetes.slices import ServiceEndpoints, Slices

TOLD_AT_MOST = 5
"""Reasons in one log line why parts of slices are not used."""

log = structlog.get_logger()

Objects = Mapping[str, Fields]
"""The complete set, by name."""


class ServicePortWatch:
    """Shown what watches find; read when somebody wants to know."""

    def __init__(self, wanted: ClusterPort, zone: str = "") -> None:
        self.wanted = wanted
        self.service = ServiceName(wanted.namespace, wanted.service)
        self.is_answered = False
        """The API has said whether there is such a Service."""
        self._zone = zone
        self._name: str | None = None
        self._trouble = ""
        self._skipped: tuple[str, ...] = ()
        self._found: Objects | None = None
        self._slices = Slices("")
        self._reading: ServiceEndpoints | None = None
        self._log = log.bind(service=str(self.service), **({} if wanted.port is None else {"port": wanted.port}))

    @property
    def is_known(self) -> bool:
        """Both the Service and its slices were seen."""
        return self._name is not None and self._found is not None

    def see_service(self, found: Fields | None) -> None:
        """Take what a watch says of the Service; None: there is no such Service."""
        self.is_answered = True
        if found is None:
            self._tell(f"Service {self.service} does not exist; create it, or name another one")
            return
        try:
            name = port_name(found, self.wanted.port)
        except ServiceError as error:
            self._tell(str(error))
            return
        self._tell("")
        if name != self._name:
            self._name, self._slices, self._reading = name, Slices(name, self._zone), None

    def see_slices(self, found: Objects) -> None:
        """Take what a watch says of its slices."""
        self._found, self._reading = found, None

    def read(self) -> ServiceEndpoints:
        """Give what is known now. Slices that did not change are not read again."""
        if self._reading is None:
            self._reading = self._slices.read(self._found or {})
            self._report(self._reading.skipped)
        return self._reading

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
