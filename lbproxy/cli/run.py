"""`lbproxy run`: balance connections."""

from lbproxy.cli.settings import SettingsCommand
from lbproxy.config import Loader
from lbproxy.dataplanes.catalog import Dataplanes
from lbproxy.runtime.dataplanes import DATAPLANES


def run_command(dataplanes: Dataplanes) -> SettingsCommand:
    """Make the command for these dataplanes."""
    def run_lbproxy(loader: Loader) -> int:
        config = loader.load()
        from lbproxy.runtime.app import run  # noqa: PLC0415 - a mistake is reported before the slow imports

        return run(config, loader.load, dataplanes)

    return SettingsCommand("run", run_lbproxy, "Accept connections and pass each to a backend, until SIGTERM.",
                           dataplanes)


command = run_command(DATAPLANES)
