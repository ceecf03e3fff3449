from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from lbproxy.dataplanes.ipvs import dataplane
from tests.support.network import Network

from .fake_kernel import FakeMachine
from .scene import Scene
from .subjects import FakeSubject, RealKernel, Subject


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    """Client, balancer and backends; this thread is in the balancer's namespace, and so is all that it makes."""
    with ExitStack() as stack:
        network = Network.made(stack)
        stack.enter_context(network.balancer.entered())
        yield network


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.kernel)])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    """The fake kernel and the real one, each in turn."""
    subject = FakeSubject() if request.param == "fake" else RealKernel(request.getfixturevalue("network"))
    yield subject
    await subject.close()


@pytest.fixture
def machine(tmp_path: Path) -> FakeMachine:
    return FakeMachine(tmp_path)


@pytest.fixture
async def scene(machine: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    """A dataplane over a kernel without packets."""
    monkeypatch.setattr(dataplane, "POLL_INTERVAL", 0.01)
    monkeypatch.setattr(dataplane, "DRAIN_POLL", 0.01)
    scene = Scene(machine)
    yield scene
    await scene.end()
