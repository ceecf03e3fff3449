"""Labs of these tests go by a word of their own: others may stand on this machine meanwhile."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

os.environ["BENCH_LAB"] = f"t{os.getpid()}"  # before the lab reads it, and for all that tests start

from bench.errors import NotInstalledError
from bench.lab.lab import Lab, standing
from bench.lab.shape import Shape
from bench.systems.installed import find

PROGRAMS = ("ip", "bridge", "tc", "nft", "nginx", "nsenter", "ethtool")


@pytest.fixture
def make_lab() -> Iterator[Callable[[Shape], Lab]]:
    check_able()
    with ExitStack() as labs:
        yield lambda shape: labs.enter_context(standing(shape))


def check_able() -> None:
    if os.geteuid():
        pytest.skip("a lab needs root")
    try:
        for program in PROGRAMS:
            find(program)
    except NotInstalledError as error:
        pytest.skip(str(error))
