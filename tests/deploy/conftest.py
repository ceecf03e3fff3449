from collections.abc import Iterator

import pytest

from .image import Image, built, skip_unless_it_can_be_built
from .rendering import DEPLOY, Manifest, render


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
