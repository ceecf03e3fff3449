"""Finding installed programs and asking them for their version."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from bench.errors import NotInstalledError

SLOW_SECONDS = 120
"""In a virtual machine without the processor's help, a large program takes its time to start."""
VERSION = re.compile(r"\d+\.\d+(\.\d+)?[\w.+-]*")


def find(program: str) -> str:
    """Return the path of `program`, on the search path or beside this Python; raises NotInstalledError."""
    found = shutil.which(program) or shutil.which(program, path=str(Path(sys.executable).parent))
    if not found:
        raise NotInstalledError(f"{program} is not installed")
    return found


def version_in(command: list[str]) -> str:
    """Return the first thing that looks like a version in what `command` prints."""
    printed = subprocess.run(command, capture_output=True, text=True, timeout=SLOW_SECONDS, check=False)
    match = VERSION.search(printed.stdout + printed.stderr)
    return match.group() if match else "unknown"
