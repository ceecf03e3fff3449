"""`lbproxy doctor`: whether lbproxy would work on this machine, and what to type where it would not."""

import click

from lbproxy.cli.settings import SettingsCommand
from lbproxy.config import Loader
from lbproxy.dataplanes.catalog import Dataplanes
from lbproxy.runtime.dataplanes import DATAPLANES


def doctor_command(dataplanes: Dataplanes) -> SettingsCommand:
    """Return the command for these dataplanes; its exit code is that of the worst finding."""
    def doctor(loader: Loader, *, json: bool) -> int:
        config = loader.load()
        from lbproxy.doctor import run  # noqa: PLC0415 - a mistake is reported before the slow imports

        return run(config, dataplanes, as_json=json)

    return SettingsCommand(
        "doctor", doctor,
        "Check whether lbproxy would work here, and how well. Each finding that could be better says what to type. "
        "It touches no traffic and changes nothing. With --dataplane=auto it says which dataplane run would take, and "
        "why. Exit code: 0 all is well, 1 it works but could be better, 2 it won't work.",
        dataplanes, own=[click.Option(["--json"], is_flag=True, help="Print one JSON object, for scripts.")],
        needs_service=False,
    )


command = doctor_command(DATAPLANES)
