"""Says lines to a program on its UNIX socket, a connection each, as HAProxy's runtime API wants it.

    python -m bench.systems.say SOCKET LINE...

An answer is a complaint or a remark, and is printed.
"""

import socket
import sys
from collections.abc import Sequence
from pathlib import Path

ENOUGH = 65_536
SECONDS = 5.0


def say(place: Path, lines: Sequence[str]) -> list[str]:
    """Return the command that says `lines` to the program that listens at `place`."""
    return [sys.executable, __file__, str(place), *lines]


def main() -> None:
    """Say what the command line says."""
    place, *lines = sys.argv[1:]
    for line in lines:
        with socket.socket(socket.AF_UNIX) as there:
            there.settimeout(SECONDS)
            there.connect(place)
            there.sendall(f"{line}\n".encode())
            sys.stdout.write(there.recv(ENOUGH).decode())


if __name__ == "__main__":
    main()
