"""`lbproxy doctor`: would it work here, how well, and what to type to make it better.

Looks and asks; touches no traffic and changes nothing.
"""

import asyncio
import json
import logging
import sys

from rich.console import Console

from lbproxy.config import Config
from lbproxy.dataplanes.catalog import Dataplanes
from lbproxy.doctor.examination import examine
from lbproxy.doctor.page import write
from lbproxy.doctor.shape import shape
from lbproxy.net.system import System

UNLIMITED = 10_000
"""Columns."""


def run(config: Config, dataplanes: Dataplanes, *, as_json: bool) -> int:
    """Examine this machine, print what was found, and give the exit code of the verdict."""
    logging.basicConfig(handlers=[logging.NullHandler()])  # what libraries would say beside it, findings say better
    diagnosis = asyncio.run(examine(config, dataplanes, System()))
    if as_json:
        json.dump(shape(diagnosis), sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        write(_console(), diagnosis)
    return diagnosis.verdict.exit_code


def _console() -> Console:
    """Give a terminal as it is; a file or a pipe gets lines as long as they are."""
    console = Console()
    # Without a terminal rich takes 80 columns, and would fold what is to be searched and copied.
    return console if console.is_terminal else Console(width=UNLIMITED)
