"""`lbproxy` with a bug in its main process, which SIGUSR1 brings out."""

import asyncio
import signal
import sys

from lbproxy.cli import main
from lbproxy.runtime.shutdown import Shutdown


async def wait(_: Shutdown) -> None:
    """Stand in for `Shutdown.wait`."""
    is_asked = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, is_asked.set)
    await is_asked.wait()
    raise RuntimeError("a bug")


if __name__ == "__main__":
    Shutdown.wait = wait  # type: ignore[assignment, method-assign]  # that is the bug
    sys.exit(main())
