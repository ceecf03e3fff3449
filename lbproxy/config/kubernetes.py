"""How the configuration names a port of a Kubernetes Service."""

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import model_validator

from lbproxy.config.option_kinds import OptionKind
from lbproxy.config.options import Options
from lbproxy.model.address import MAX_PORT
from lbproxy.text.quoting import quoted

_LABEL = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_NAME = re.compile(f"({_LABEL})/({_LABEL})")
_PORT_NAME = re.compile("(?=.*[a-z])[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


class KubernetesServiceName(OptionKind[tuple[str, str]]):
    """A Service: its namespace and its name, both DNS labels."""

    metavar = "NAMESPACE/NAME"

    def read(self, value: object) -> tuple[str, str]:
        """Take `NAMESPACE/NAME`; else raise `ValueError`, which says what to write."""
        match = _NAME.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise ValueError(f"{quoted(value)} is not NAMESPACE/NAME of a Service, such as default/web")
        return match[1], match[3]

    def show(self, value: tuple[str, str]) -> str:
        """Return `NAMESPACE/NAME`, as it was given."""
        return "/".join(value)


class KubernetesServicePort(OptionKind[str | int | None]):
    """A port of a Service, by its name or number in the Service."""

    metavar = "PORT"

    def read(self, value: object) -> str | int | None:
        """Take `http`, `80` or 80, or None."""
        if value is None or (isinstance(value, str) and _PORT_NAME.fullmatch(value)):
            return value
        number = int(value) if isinstance(value, str) and re.fullmatch("[0-9]{1,5}", value) else value
        if isinstance(number, int) and not isinstance(number, bool) and 1 <= number <= MAX_PORT:
            return number
        raise ValueError(f"{quoted(value)} is not a port of a Service; write its name, such as http, or its number, "
                         f"from 1 to {MAX_PORT}")

    def show(self, value: str | int | None) -> str | int:
        """Return the name or number; empty text for None."""
        return "" if value is None else value


class KubernetesConfig(Options):
    """The Service whose endpoints are the backends; also written `default/web` or `default/web:http`."""

    service: Annotated[tuple[str, str], KubernetesServiceName()]
    """Its namespace and name."""

    port: Annotated[str | int | None, KubernetesServicePort()] = None
    """Its port, by name or number. Default: its only port."""

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        return _keys(value) if isinstance(value, str) else value


def _keys(text: str) -> Mapping[str, str]:
    """Split `NAMESPACE/NAME:PORT`."""
    service, colon, port = text.partition(":")
    return {"service": service, **({"port": port} if colon else {})}
