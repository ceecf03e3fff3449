"""`lbproxy run`: balance connections."""

from lbproxy.cli.settings import SettingsCommand
from lbproxy.config import Loader
from lbproxy.runtime.dataplanes import DATAPLANES


def _run(loader: Loader) -> int:
    config = loader.load()
    from lbproxy.runtime.app import run  # noqa: PLC0415 - a mistake is reported before the slow imports

    return run(config, loader.load, DATAPLANES)


command = SettingsCommand("run", _run, "Accept connections and pass each to a backend, until SIGTERM.", DATAPLANES)
