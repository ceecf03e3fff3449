"""Why the EndpointSlices of a Service have endpoints, and none for the port that is followed.

Pure. A port that is renamed is for a moment, or for good, in no slice under the name that is known of it: that is no
word about its endpoints.
"""

from collections.abc import Iterable, Iterator

from lbproxy.sources.kubernetes.fields import Fields, SkipError, mapping, sequence, text
from lbproxy.text.quoting import escaped, listed


def listed_hosts(slices: Iterable[Fields]) -> frozenset[str]:
    """Return the address of each endpoint, as the slices write it, whatever its ports and its state."""
    return frozenset(host for content in slices for host in _hosts(content))


def why_missing(slices: Iterable[Fields], name: str) -> str:
    """Say why no endpoint has a TCP port of this name; empty: one has it, or there are no endpoints."""
    filled = [content for content in slices if any(_hosts(content))]
    ports = [port for content in filled for port in _tcp_ports(content)]
    numbers = [number for found, number in ports if found == name]
    if not filled or any(number is not None for number in numbers):
        return ""
    wanted = f"port {escaped(name)}" if name else "port without a name"
    if numbers:
        return f"the {wanted} has no number in the EndpointSlices, which means any port; give it one"
    others = sorted({escaped(found) or "one without a name" for found, _ in ports})
    return f"the EndpointSlices have no {wanted}" + (f", only {listed(others)}" if others else " and no other")


def _hosts(content: Fields) -> Iterator[str]:
    for item in _items(content, "endpoints"):
        yield from (host for host in _items(item, "addresses")[:1] if isinstance(host, str))


def _tcp_ports(content: Fields) -> Iterator[tuple[str, object]]:
    """Yield the name and the number of each, without those that can't be read."""
    for item in _items(content, "ports"):
        try:
            port = mapping(item, "a port")
            if text(port.get("protocol"), "protocol") in {"", "TCP"}:
                yield text(port.get("name"), "name"), port.get("port")
        except SkipError:
            continue


def _items(content: object, key: str) -> list[object]:
    try:
        return list(sequence(mapping(content, "it").get(key), key))
    except SkipError:
        return []
