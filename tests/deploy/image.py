"""The image, built for real by deploy/build-image, and its file tree; everything but the Debian base goes again."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.rendering import REPOSITORY

PROGRAMS = ("buildah", "mmdebstrap", "runc")


@dataclass(frozen=True, slots=True)
class Image:
    """What a container runtime is given."""

    root: Path
    """Its file tree."""
    config: dict[str, Any]
    """How to run it, as the OCI image format has it."""


@contextmanager
def built() -> Iterator[Image]:
    """Build it. A minute without the base of packages, which is kept, else half of it."""
    tag = f"lbproxy-test-{os.getpid()}"
    _run("deploy/build-image", tag)
    container = buildah("from", "--pull-never", f"localhost/{tag}")
    try:
        described = json.loads(buildah("inspect", "--type", "image", f"localhost/{tag}"))
        yield Image(Path(buildah("mount", container)), described["OCIv1"]["config"])
    finally:
        buildah("rm", container)
        buildah("rmi", f"localhost/{tag}")


def buildah(*arguments: str) -> str:
    """Give what it says, in the store that deploy/build-image builds into."""
    return _run("buildah", "--storage-driver", "vfs", *arguments)


def skip_unless_it_can_be_built() -> None:
    """Say what is missing; in CI that is a failure."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}; as root .ci/packages installs them")
    if os.geteuid() != 0:
        pytest.skip("needs root: the base is made and containers are started without a daemon")


def _run(*command: str) -> str:
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
