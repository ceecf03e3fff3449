import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench.errors import NotInstalledError
from bench.lab.lab import Lab, standing
from bench.lab.shape import Shape
from bench.paper.results import environment
from bench.systems.installed import find

PROGRAMS = ("ip", "bridge", "tc", "nft", "nginx", "nsenter", "ethtool")


@pytest.fixture
def make_lab() -> Iterator[Callable[[Shape], Lab]]:
    check_able()
    with ExitStack() as labs:
        yield lambda shape: labs.enter_context(standing(shape))


def check_able() -> None:
    if environment() == "guest":
        ready_guest()
    if os.geteuid():
        pytest.skip("a lab needs root")
    try:
        for program in PROGRAMS:
            find(program)
    except NotInstalledError as error:
        pytest.skip(str(error))


def ready_guest() -> None:
    """A guest can't write to this machine's files: where a lab and its pods write, it gets memory of its own."""
    for place in ("/run", "/var/lib/nginx", "/var/log"):
        if not os.path.ismount(place) or not os.access(place, os.W_OK):
            subprocess.run(["mount", "-t", "tmpfs", "tmpfs", place], check=True)
    Path("/var/log/nginx").mkdir(exist_ok=True)
