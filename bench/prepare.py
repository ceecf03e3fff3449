"""What a benchmark needs of its own process."""

import resource
import signal
from typing import NoReturn


def prepare() -> None:
    """Allow as many descriptors as the limit, and end on SIGTERM as on Ctrl-C, in order."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt
