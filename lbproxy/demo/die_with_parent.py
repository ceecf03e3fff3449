"""Runs a command that must not outlive its starter, whatever ends that: `die_with_parent.py STARTER_PID COMMAND...`.

When the starter dies the kernel sends the command SIGTERM. This setting outlasts exec (prctl(2), PR_SET_PDEATHSIG).
It is a program between the two, not a `preexec_fn`, which is unsafe in a process with threads (subprocess docs).
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(starter: int, command: list[str]) -> None:
    """Become the command; exit with 1 if the starter has already gone."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM))
    if os.getppid() != starter:  # it died before the kernel could be asked
        sys.exit(1)
    # exec keeps the process id, so the demo's child is the command itself.
    os.execv(command[0], command)  # noqa: S606 - no shell is what we want


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
