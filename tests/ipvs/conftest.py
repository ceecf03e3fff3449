from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from .network import Network


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    """Client, balancer and backends; this thread is in the balancer's namespace, and so is all that it makes."""
    with ExitStack() as stack:
        network = Network.made(stack)
        stack.enter_context(network.balancer.entered())
        yield network
