"""Tests can be started in the background of a script, where SIGINT is ignored: whom they interrupt must hear it."""

import subprocess
import sys

from tests.support.signals import DEFAULT_SIGNALS

ASK = "import signal; print(signal.getsignal(signal.SIGINT) == signal.default_int_handler)"


def hears_interrupts(*before: str) -> str:
    command = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *before, sys.executable, "-c", ASK]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def test_process_of_a_test_hears_an_interrupt_even_where_it_is_ignored() -> None:
    assert (hears_interrupts(), hears_interrupts(*DEFAULT_SIGNALS)) == ("False", "True")
