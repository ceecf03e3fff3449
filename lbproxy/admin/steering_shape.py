"""The JSON that an order is answered with."""

from typing_extensions import TypedDict  # typing's own can't be described to others before Python 3.12


class SteeredShape(TypedDict):
    """One backend for which the order is in force now."""

    service: str
    backend: str
    """Its address."""
    active: int
    """Connections that it has now."""
    others_open: int
    """Backends of its service, besides it, that take new connections; 0: clients are refused."""


class OrderedShape(TypedDict):
    """The whole answer."""

    backends: list[SteeredShape]
