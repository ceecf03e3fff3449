"""A service as the file describes it: listen addresses, backends, and its own values of options."""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from lbproxy.config.address_kinds import BackendAddress, ListenAddress
from lbproxy.config.dns_names import DnsNameKind, is_service_name, split_name
from lbproxy.config.kubernetes import KubernetesConfig
from lbproxy.config.option_kinds import Integer, OptionKind
from lbproxy.config.options import Options, ServiceOptions
from lbproxy.model.address import MAX_PORT, Address
from lbproxy.model.snapshot import MAX_WEIGHT, Endpoint
from lbproxy.text.quoting import quoted

_LABEL = re.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


class DnsLabel(OptionKind[str]):
    """A name for logs and metrics: a DNS label (RFC 1123), so that it fits into any system's labels."""

    metavar = "NAME"

    def read(self, value: object) -> str:
        """Take text such as `web` or `web-2`."""
        if isinstance(value, str) and _LABEL.fullmatch(value):
            return value
        raise ValueError(f"{quoted(value)} is not a name; write up to 63 of a-z, 0-9 and -, such as web-2")

    def show(self, value: str) -> str:
        """Return the name itself."""
        return value


class BackendConfig(Options):
    """One backend, as `127.0.0.1:9001`, `db.internal:5432,weight=2` or the keys below; a name may be several."""

    address: Annotated[Address | None, BackendAddress()] = None
    """Where it accepts connections."""

    name: Annotated[str, DnsNameKind()] = ""
    """Instead of an address, a DNS name: each of its A and AAAA records is a backend. `_postgres._tcp.db.internal`:
    as its SRV records say, with their ports and weights."""

    port: Annotated[int | None, Integer(1, MAX_PORT)] = None
    """The port at each address of the name."""

    weight: Annotated[int, Integer(0, MAX_WEIGHT)] = 1
    """Its share under wlc and wrr, that of each address of a name. 0: it keeps its connections and gets no new ones."""

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        return _keys(value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _has_one_place(self) -> Self:
        if self.address is None and not self.name:
            raise ValueError("names no backend; write address:, or name: and port:")
        if self.address is not None and (self.name or self.port is not None):
            raise ValueError("has an address, and a name or port too; write address:, or name: and port:")
        # A name of SRV records must have no port, any other must have one: both mistakes are this inequality.
        if self.name and is_service_name(self.name) != (self.port is None):
            raise ValueError(f"{self.name} has the ports of its SRV records; remove the port"
                             if self.port else f"{self.name} needs a port; write it as {self.name}:80")
        return self

    @property
    def own_weight(self) -> int | None:
        """The weight of each of its addresses; None: as the SRV records say, since none was written."""
        is_said = "weight" in self.model_fields_set or not is_service_name(self.name)
        return self.weight if is_said else None

    @property
    def place(self) -> str:
        """Where it is, as it is written in one word."""
        return str(self.address or (f"{self.name}:{self.port}" if self.port else self.name))

    def __str__(self) -> str:
        # A weight of 1 that was written overrides the SRV records, so it must be in the file that is printed.
        is_default = self.weight == 1 and not (is_service_name(self.name) and self.own_weight == 1)
        return self.place if is_default else f"{self.place},weight={self.weight}"


def _keys(text: str) -> Mapping[str, str]:
    """Split `ADDRESS,KEY=VALUE` or `NAME:PORT,KEY=VALUE`."""
    place, *settings = text.split(",")
    # What is no name is left to the address kind, whose message says what to write.
    keys = dict(split_name(place) or {"address": place})
    for setting in settings:
        key, equals, value = (part.strip() for part in setting.partition("="))
        if not equals or key in keys:
            raise ValueError(f"{quoted(text)} is not ADDRESS,weight=N, such as 127.0.0.1:9001,weight=2")
        keys[key] = value
    return keys


def _many(value: object) -> object:
    """Take one text as a list of one."""
    return (value,) if isinstance(value, str) else value


def _name_after(fields: Mapping[str, Any]) -> str:
    """Name a service after the one in Kubernetes, else after its lowest listen address: 127-0-0-1-80, z-1-80.

    Not after the first: a service must not become another one, and lose its connections, when the list is reordered.
    """
    kubernetes: KubernetesConfig | None = fields["kubernetes"]
    if kubernetes is not None:
        return kubernetes.service[1]
    host, port = min(fields["listen"], key=_order)
    groups = host.replace("::", ":z:").strip(":")  # no group is z, so no two addresses share a name
    return f"{groups.replace(':', '-').replace('.', '-')}-{port}"


def _order(address: Address) -> tuple[bool, int, int]:
    """Put IPv4 before IPv6, and then go by number."""
    host = ip_address(address.host)
    return host.version != 4, int(host), address.port  # noqa: PLR2004 - IPv4


class ServiceConfig(ServiceOptions):
    """One service. An option that it does not set has the value of the top level."""

    listen: Annotated[tuple[Annotated[Address, ListenAddress()], ...], BeforeValidator(_many), Field(min_length=1)]
    """Accept connections here. 0.0.0.0:PORT stands for all IPv4 addresses, [::]:PORT for all IPv6 addresses."""

    backends: Annotated[tuple[BackendConfig, ...], BeforeValidator(_many)] = ()
    """Forward them to these, by address or DNS name. Weights are 0 to 100. A service without backends refuses
    connections."""

    kubernetes: KubernetesConfig | None = None
    """Instead of backends: follow the endpoints of a Kubernetes Service. Its port by name or number."""

    name: Annotated[str, DnsLabel()] = Field(default_factory=_name_after)
    """Its name in logs and metrics. Default: the name of its Service, else made of its lowest listen address."""

    def is_resolved(self) -> bool:
        """Whether any of its backends have to be found out, in Kubernetes or DNS."""
        return self.kubernetes is not None or any(backend.name for backend in self.backends)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the backends that are listed by address as endpoints."""
        return tuple(Endpoint(backend.address, backend.weight) for backend in self.backends if backend.address)
