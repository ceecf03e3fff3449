"""Which proxy leads to the API server, by the variables HTTPS_PROXY, HTTP_PROXY and NO_PROXY.

Pure. As Go programs read them, kubectl among them (golang.org/x/net/http/httpproxy): NO_PROXY may hold CIDRs, which
Python's own reader passes over, and ports.
"""

from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}


def proxy_for(url: str, environ: Mapping[str, str]) -> str | None:
    """Return the URL of the proxy for a request to `url`; None: none is used. Raises `ValueError` for an odd `url`."""
    parts = urlsplit(url)
    proxy = _value(environ, f"{parts.scheme}_proxy")
    host, port = (parts.hostname or "").rstrip("."), parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    exceptions = [entry.strip().lower() for entry in _value(environ, "no_proxy").split(",")]
    if not proxy or any(_matches(entry, host, port) for entry in exceptions):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _value(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name) or environ.get(name.upper()) or ""


def _matches(entry: str, host: str, port: int) -> bool:
    """Whether this entry of NO_PROXY names the host: `*`, an address, a CIDR, or a domain; each may have a port."""
    if not entry or entry == "*":
        return bool(entry)
    with suppress(ValueError):
        return _in_network(entry, host)
    name, _, wanted_port = entry.rpartition(":") if entry.rpartition(":")[2].isdecimal() else (entry, "", "")
    if wanted_port and int(wanted_port) != port:
        return False
    with suppress(ValueError):
        return _in_network(name.strip("[]"), host)
    suffix = name.removeprefix("*")
    return host.endswith(suffix) if suffix.startswith(".") else host == suffix or host.endswith(f".{suffix}")


def _in_network(network: str, host: str) -> bool:
    """Raises `ValueError` if `network` is neither an address nor a CIDR."""
    parsed = ip_network(network, strict=False)
    with suppress(ValueError):
        return ip_address(host) in parsed
    return False
