"""What one EndpointSlice (discovery.k8s.io/v1, as JSON) says about one port of its Service.

Pure, and never raises: what is not usable is left out, and the reason is kept.
"""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from lbproxy.model.address import MAX_PORT, Address
from lbproxy.model.snapshot import Endpoint
from lbproxy.sources.address_rules import is_connectable
from lbproxy.sources.kubernetes.fields import Fields, SkipError, flag, mapping, sequence, text, whole
from lbproxy.text.quoting import quoted

LAST_CHANGE = "endpoints.kubernetes.io/last-change-trigger-time"
"""The annotation that says when the pods changed because of which the slice was written."""
IP_VERSIONS = {"IPv4": 4, "IPv6": 6}
"""By `addressType`. The third type, FQDN, is deprecated and needs a DNS lookup: its slices are skipped."""


@dataclass(frozen=True, slots=True)
class EndpointCandidate:
    """An endpoint as one slice describes it; another slice may describe the same address differently."""

    endpoint: Endpoint
    zones: frozenset[str] = frozenset()
    """The zones that it is meant for; empty: it has no hints."""


@dataclass(frozen=True, slots=True)
class SlicePart:
    """What one slice adds to the endpoints of its Service."""

    candidates: tuple[EndpointCandidate, ...] = ()
    skipped: tuple[str, ...] = ()
    """Why something was left out, each reason once."""
    changed_at: float | None = None
    """Seconds since 1970, from the annotation `LAST_CHANGE`."""
    is_readable: bool = True
    """The slice as a whole could be read; at most single endpoints were left out."""


NO_PART = SlicePart()


def read_slice(content: object, port_name: str) -> SlicePart:
    """Read a slice for the *Service* port of this name, which may be empty."""
    reasons: dict[str, None] = {}
    changed_at = None
    try:
        fields = mapping(content, "the slice")
        changed_at = _changed_at(fields)
        found = tuple(_candidates(fields, port_name, reasons))
    except SkipError as error:
        return SlicePart((), (str(error),), changed_at, is_readable=False)
    return SlicePart(found, tuple(reasons), changed_at)


def _candidates(fields: Fields, port_name: str, reasons: dict[str, None]) -> Iterator[EndpointCandidate]:
    version = _version(text(fields.get("addressType"), "addressType"))
    number = _port(fields, port_name)
    # No reason is reported: the slice of a Service without pods has no ports (a literal null).
    if number is None:
        return
    origin = _origin(fields)
    # `endpoints` and `ports` are a literal null in the slice of a Service without pods.
    for item in sequence(fields.get("endpoints"), "endpoints"):
        try:
            yield _candidate(mapping(item, "an endpoint"), version, number, origin)
        except SkipError as error:
            reasons[str(error)] = None


def _version(address_type: str) -> int:
    version = IP_VERSIONS.get(address_type)
    if version is None:
        raise SkipError(f"addressType {quoted(address_type)} is not IPv4 or IPv6")
    return version


def _port(fields: Fields, name: str) -> int | None:
    """Return the number of the TCP port of this name, None if there is none.

    The number is in the slice, not in the Service: slices may map one name to different numbers, as a named targetPort
    does over pods with different container ports (haproxytech/kubernetes-ingress#737). A null number means all ports:
    there is nothing to connect to (kubernetes/ingress-nginx#9141).
    """
    for item in sequence(fields.get("ports"), "ports"):
        port = mapping(item, "a port")
        protocol = text(port.get("protocol"), "protocol") or "TCP"
        # A Service may have UDP ports too (KEP-1435); only TCP is served.
        if protocol == "TCP" and text(port.get("name"), "a port's name") == name:
            number = whole(port.get("port"), "port")
            return None if number is None else _usable_port(number)
    return None


def _usable_port(number: int) -> int:
    if 1 <= number <= MAX_PORT:
        return number
    raise SkipError(f"port {quoted(number)} is not from 1 to {MAX_PORT}")


def _origin(fields: Fields) -> str:
    # Read without `mapping` and `text`: a name of the wrong type must not cost the endpoints.
    metadata = fields.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return f"slice {name}" if isinstance(name, str) else ""


def _candidate(fields: Fields, version: int, port: int, origin: str) -> EndpointCandidate:
    hosts = sequence(fields.get("addresses"), "addresses")
    if not hosts:
        raise SkipError("an endpoint has no address")
    # The API says that consumers use the first address only; several never had a defined meaning.
    address = Address(_host(text(hosts[0], "an address"), version), port)
    endpoint = _endpoint(address, mapping(fields.get("conditions"), "conditions"), origin)
    return EndpointCandidate(endpoint, _zones(fields))


# Each change of a slice brings all of its addresses again.
@lru_cache(maxsize=65_536)
def _host(address: str, version: int) -> str:
    """Return the canonical form. Loopback is allowed: API servers refuse it, but tests and plain hosts need it."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        raise SkipError(f"address {quoted(address)} is not an IP address") from None
    if parsed.version != version:
        raise SkipError(f"address {quoted(address)} is not IPv{version} as its slice says")
    if not is_connectable(parsed):
        raise SkipError(f"address {quoted(address)} is link-local, multicast or unspecified")
    # A scope (%eth0) names an interface of the host that wrote it, and means nothing here.
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.scope_id:
        raise SkipError(f"address {quoted(address)} has a scope")
    return str(parsed)


def _endpoint(address: Address, conditions: Fields, origin: str) -> Endpoint:
    """Apply the rules of discovery.k8s.io/v1 for conditions that are nil, and of KEP-1669 for terminating endpoints.

    Ready wins over terminating: with `publishNotReadyAddresses` an endpoint stays ready while its pod terminates.
    """
    is_ready = flag(conditions.get("ready"), True, "ready")  # noqa: FBT003 - the default of `ready`
    is_serving = flag(conditions.get("serving"), is_ready, "serving")
    is_terminating = flag(conditions.get("terminating"), False, "terminating")  # noqa: FBT003 - as above
    # Ready implies serving, so that no later code meets an endpoint which is ready and not serving.
    return Endpoint(address, is_ready=is_ready, is_serving=is_ready or is_serving,
                    is_terminating=is_terminating and not is_ready, origin=origin)


def _zones(fields: Fields) -> frozenset[str]:
    """Return the zones of the hints. Hints are advice: what is wrong with them costs the hint, not the endpoint."""
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
    # Without a time zone it would be read in ours, and be hours off.
    return time.timestamp() if time.tzinfo else None
