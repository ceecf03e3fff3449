"""`lbproxy doctor`: say whether it would work here, how well, and what to type to make it better."""

import click

from lbproxy.cli.settings import SettingsCommand
from lbproxy.config import Loader
from lbproxy.dataplanes.catalog import Dataplanes
from lbproxy.runtime.dataplanes import DATAPLANES


def doctor_command(dataplanes: Dataplanes) -> SettingsCommand:
    """Make the command for these dataplanes."""
    def doctor(loader: Loader, *, json: bool) -> int:
        config = loader.load()
        from lbproxy.doctor import run  # noqa: PLC0415 - a mistake is reported before the slow imports

        return run(config, dataplanes, as_json=json)

    return SettingsCommand(
        "doctor", doctor,
        "Check whether lbproxy would work here, and say for all that could be better what to type. Touches no traffic "
        "and changes nothing. With --dataplane=auto it says which dataplane run would take, and why. Exit code: 0 all "
        "is well, 1 it works but could be better, 2 it won't work.",
        dataplanes, own=[click.Option(["--json"], is_flag=True, help="Print one JSON object, for scripts.")],
        needs_service=False,
    )


command = doctor_command(DATAPLANES)
