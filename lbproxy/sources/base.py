"""What every source offers."""

from collections.abc import Callable
from typing import Protocol

from lbproxy.model.snapshot import Services

Publish = Callable[[Services], None]
"""Takes the complete set of services; what is absent is gone."""


class Source(Protocol):
    """Says which services and backends exist."""

    async def run(self, publish: Publish) -> None:
        """Publish the whole set now and whenever it changes, until cancelled; never because of an error."""
