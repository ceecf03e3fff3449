from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from lbproxy.model.address import Address
from tests.support.rendering import DEPLOY, Manifest, render

from .container import NOTHING, Container, Given, Start
from .image import Image, built, skip_unless_it_can_be_built
from .serving import Backend, free_address


@pytest.fixture(scope="session")
def userspace() -> list[Manifest]:
    return render(DEPLOY / "userspace")


@pytest.fixture(scope="session")
def ipvs() -> list[Manifest]:
    return render(DEPLOY / "ipvs")


@pytest.fixture(scope="session")
def static() -> list[Manifest]:
    return render(DEPLOY / "static")


@pytest.fixture(scope="session")
def example() -> list[Manifest]:
    return render(DEPLOY / "example")


@pytest.fixture(scope="session", params=["userspace", "ipvs", "static", "example"])
def manifests(request: pytest.FixtureRequest) -> list[Manifest]:
    """Each of them in turn, for what holds for all."""
    chosen: list[Manifest] = request.getfixturevalue(request.param)
    return chosen


@pytest.fixture(scope="session", params=["userspace", "ipvs", "static"])
def balancer(request: pytest.FixtureRequest) -> list[Manifest]:
    """Each way to deploy lbproxy in turn."""
    chosen: list[Manifest] = request.getfixturevalue(request.param)
    return chosen


@pytest.fixture(scope="session")
def image() -> Iterator[Image]:
    """Built once: it takes a minute."""
    skip_unless_it_can_be_built()
    with built() as image:
        yield image


@pytest.fixture
def start(image: Image, tmp_path: Path) -> Iterator[Start]:
    """Starts a container with these arguments, instead of the image's own."""
    containers: list[Container] = []

    def start(*arguments: str, given: Given = NOTHING) -> Container:
        bundle = tmp_path / f"container-{len(containers)}"
        bundle.mkdir()
        containers.append(Container(image, bundle, *arguments, given=given))
        return containers[-1]
    yield start
    for container in containers:
        print(container.kill())  # noqa: T201 - pytest shows it of a test that failed


@pytest.fixture
async def backend() -> AsyncIterator[Backend]:
    backend = await Backend().start()
    yield backend
    await backend.close()


@pytest.fixture
def listen() -> Address:
    return free_address()


@pytest.fixture
def admin() -> Address:
    return free_address()
