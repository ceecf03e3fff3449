"""Reads /proc and /sys, and writes nothing. What can't be read is None: a check says what that means."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath


def sysctl_path(name: str) -> str:
    """Return where a sysctl is, below the root: `proc/sys/net/ipv4/ip_forward`."""
    return f"proc/sys/{name.replace('.', '/')}"


@dataclass(frozen=True, slots=True)
class System:
    """The machine, or the laid-out tree of one: `root` holds `proc` and `sys`."""

    root: Path = Path("/")

    def text(self, path: str) -> str | None:
        """Return a file's content without the blanks around it."""
        with suppress(OSError, UnicodeDecodeError):
            return (self.root / path).read_text().strip()
        return None

    def number(self, path: str) -> int | None:
        """Return a file's content, which is one number in decimal."""
        with suppress(ValueError):
            return int(self.text(path) or "")
        return None

    def sysctl(self, name: str) -> str | None:
        """Return the value of a sysctl, such as `net.ipv4.ip_forward`."""
        return self.text(sysctl_path(name))

    def names(self, path: str) -> list[str]:
        """Return what is in a directory, in order; of none, nothing."""
        with suppress(OSError):
            return sorted(entry.name for entry in (self.root / path).iterdir())
        return []

    def exists(self, path: str) -> bool:
        """Whether it is there, and may be seen by us."""
        return (self.root / path).exists()

    def is_read_only(self, path: str) -> bool:
        """Whether it is on a mount on which nobody may write, as /proc/sys is in a container."""
        place, found = PurePosixPath("/") / path, (PurePosixPath("/"), False)
        for line in (self.text("proc/self/mountinfo") or "").splitlines():
            fields = line.split()
            # proc(5), mountinfo: the fifth field is the mount point, the sixth its own options.
            mount, options = PurePosixPath(fields[4]), fields[5].split(",")
            if place.is_relative_to(mount) and len(mount.parts) >= len(found[0].parts):  # a later one lies on top
                found = mount, "ro" in options
        return found[1]

    def is_writable(self, path: str) -> bool:
        """Whether we could write it. Never tried: it would change something."""
        return os.access(self.root / path, os.W_OK) and not self.is_read_only(path)
