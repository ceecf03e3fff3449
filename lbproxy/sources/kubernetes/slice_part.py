"""What one EndpointSlice (discovery.k8s.io/v1, as JSON) says of one port of its Service.

Pure, and never raises: what is not usable is left out, with the reason.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from lbproxy.model.address import Address
from lbproxy.model.snapshot import Endpoint
from lbproxy.sources.kubernetes import addresses
from lbproxy.sources.kubernetes.candidates import EndpointCandidate
from lbproxy.sources.kubernetes.fields import Fields, SkipError, flag, mapping, sequence, text, whole
from lbproxy.text.quoting import quoted

LAST_CHANGE = "endpoints.kubernetes.io/last-change-trigger-time"
"""The annotation that says when the pods changed for which the slice was written."""


@dataclass(frozen=True, slots=True)
class SlicePart:
    """One slice's part in its Service's endpoints."""

    candidates: tuple[EndpointCandidate, ...] = ()
    skipped: tuple[str, ...] = ()
    """Why something was left out, each reason once."""
    changed_at: float | None = None
    """Seconds since 1970, from the annotation `LAST_CHANGE`."""
    is_slice: bool = True
    """It could be read; what was left out are single endpoints at most."""


NO_PART = SlicePart()


def read_slice(content: object, port_name: str) -> SlicePart:
    """Read a slice for the port of this name: the *Service* port's name, which may be empty."""
    reasons: dict[str, None] = {}
    changed_at = None
    try:
        fields = mapping(content, "the slice")
        changed_at = _changed_at(fields)
        found = tuple(_candidates(fields, port_name, reasons))
    except SkipError as error:
        return SlicePart((), (str(error),), changed_at, is_slice=False)
    return SlicePart(found, tuple(reasons), changed_at)


def _candidates(fields: Fields, port_name: str, reasons: dict[str, None]) -> Iterator[EndpointCandidate]:
    version = _version(text(fields.get("addressType"), "addressType"))
    number = _port(fields, port_name)
    origin = _origin(fields)
    for item in sequence(fields.get("endpoints"), "endpoints") if number else ():
        try:
            yield _candidate(mapping(item, "an endpoint"), version, number or 0, origin)
        except SkipError as error:
            reasons[str(error)] = None


def _version(address_type: str) -> int:
    version = addresses.VERSIONS.get(address_type)
    if version is None:
        raise SkipError(f"addressType {quoted(address_type)} is not IPv4 or IPv6")
    return version


def _port(fields: Fields, name: str) -> int | None:
    """Give the number of the TCP port of this name. A null number means all ports, which says nothing to connect to."""
    for item in sequence(fields.get("ports"), "ports"):
        port = mapping(item, "a port")
        protocol = text(port.get("protocol"), "protocol") or "TCP"
        if protocol == "TCP" and text(port.get("name"), "a port's name") == name:
            number = whole(port.get("port"), "port")
            return None if number is None else addresses.port(number)
    return None


def _origin(fields: Fields) -> str:
    metadata = fields.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return f"slice {name}" if isinstance(name, str) else ""


def _candidate(fields: Fields, version: int, port: int, origin: str) -> EndpointCandidate:
    hosts = sequence(fields.get("addresses"), "addresses")
    if not hosts:
        raise SkipError("an endpoint has no address")
    address = Address(addresses.host(text(hosts[0], "an address"), version), port)
    endpoint = _endpoint(address, mapping(fields.get("conditions"), "conditions"), origin)
    return EndpointCandidate(endpoint, _zones(fields))


def _endpoint(address: Address, conditions: Fields, origin: str) -> Endpoint:
    """Apply the rules for nil of discovery.k8s.io/v1. Ready wins: publishNotReadyAddresses means even terminating."""
    is_ready = flag(conditions.get("ready"), True, "ready")  # noqa: FBT003 - the default of `ready`
    is_serving = flag(conditions.get("serving"), is_ready, "serving")
    is_terminating = flag(conditions.get("terminating"), False, "terminating")  # noqa: FBT003 - as above
    return Endpoint(address, is_ready=is_ready, is_serving=is_ready or is_serving,
                    is_terminating=is_terminating and not is_ready, origin=origin)


def _zones(fields: Fields) -> frozenset[str]:
    """Give the zones of the hints. Hints are advice: what is wrong with them costs the hint, not the endpoint."""
    try:
        zones = sequence(mapping(fields.get("hints"), "hints").get("forZones"), "forZones")
        names = (text(mapping(zone, "a zone").get("name"), "a zone's name") for zone in zones)
        return frozenset(name for name in names if name)
    except SkipError:
        return frozenset()


def _changed_at(fields: Fields) -> float | None:
    try:
        annotations = mapping(mapping(fields.get("metadata"), "metadata").get("annotations"), "annotations")
        time = datetime.fromisoformat(text(annotations.get(LAST_CHANGE), LAST_CHANGE))
    except ValueError:  # a `SkipError` is one too
        return None
    return time.timestamp() if time.tzinfo else None
