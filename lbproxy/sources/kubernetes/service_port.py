"""Which port of a Service is meant, and the name under which its slices list it.

Pure. Slices name ports as the Service does. Its port number and `targetPort` mean nothing in a slice, so they must not
be matched with it (ovn-kubernetes PR 515).
"""

from lbproxy.model.errors import LbproxyError
from lbproxy.sources.kubernetes.fields import Fields, SkipError, mapping, sequence, text, whole
from lbproxy.text.quoting import escaped, listed


class ServiceError(LbproxyError):
    """This Service can't be followed as configured; the text says why and what to write instead."""


def port_name(service: object, wanted: str | int | None) -> str:
    """Return the name (it may be empty) of the TCP port with this name or number; None means the only one.

    `service` is a v1 Service as JSON. Raises `ServiceError`.
    """
    try:
        spec = mapping(mapping(service, "the Service").get("spec"), "spec")
        if spec.get("type") == "ExternalName":
            raise ServiceError("it is an ExternalName, which has no endpoints; name a Service with pods behind it")
        ports = _tcp_ports(spec)
    except SkipError as error:
        raise ServiceError(f"it can't be read: {error}") from None
    return _chosen(ports, wanted)


def _tcp_ports(spec: Fields) -> list[tuple[str, int | None]]:
    ports = [mapping(item, "a port") for item in sequence(spec.get("ports"), "ports")]
    return [(text(port.get("name"), "a port's name"), whole(port.get("port"), "port"))
            for port in ports if text(port.get("protocol"), "protocol") in {"", "TCP"}]


def _chosen(ports: list[tuple[str, int | None]], wanted: str | int | None) -> str:
    # Text is compared with names and a number with numbers: 80 is never the name "80".
    fitting = [name for name, number in ports if wanted in {None, name, number}]
    if len(fitting) == 1:
        return fitting[0]
    if not ports:
        raise ServiceError("it has no TCP port; give it one")
    known = listed([escaped(name) or str(number) for name, number in ports])
    if wanted is None:
        raise ServiceError(f"it has several ports; name one of them: {known}")
    raise ServiceError(f"it has no TCP port {escaped(str(wanted))}; name {known}")
