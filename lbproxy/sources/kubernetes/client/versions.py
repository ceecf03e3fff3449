"""Resource versions in the order in which one collection shows them, and how a step back is noticed.

An etcd that was restored from a backup has versions below those that its clients hold. A watch from such a future
version is accepted, and stays without events until the versions have caught up (seen on Kubernetes 1.36).
"""

from collections import deque

REMEMBERED = 256
"""Versions of one collection that are remembered, to notice a repeated one of a server whose versions are opaque."""


def is_older(version: str, other: str) -> bool:
    """Whether `version` comes before `other`; False if either is not decimal: then nothing says so.

    Kubernetes documents versions of one resource as decimal numbers of any size, to be compared as such (KEP-5504,
    Kubernetes 1.35). Those of other servers are opaque.
    """
    return _is_decimal(version) and _is_decimal(other) and _rank(version) < _rank(other)


class VersionHistory:
    """The versions of one collection: each event is newer than all before it, a bookmark or a list at least as new."""

    def __init__(self) -> None:
        self.latest = ""
        """The version to resume from; empty before the first list."""
        self._seen: deque[str] = deque(maxlen=REMEMBERED)

    def restart(self, version: str) -> bool:
        """Take the version of a complete list, whatever it is. Returns whether it is older than the one before."""
        is_back = self._is_back(version)
        # A list starts the history anew: after a restore, versions of the former future come again and are new.
        self._seen.clear()
        self.latest = version
        return is_back

    def advance(self, version: str, *, may_repeat: bool) -> bool:
        """Take the version of an event, or of a bookmark, which `may_repeat` the latest. False: it is not newer."""
        if version == self.latest:
            return may_repeat
        # The version stays as it was: the caller lists again, which sets it.
        if self._is_back(version):
            return False
        self._seen.append(self.latest)
        self.latest = version
        return True

    def _is_back(self, version: str) -> bool:
        return is_older(version, self.latest) or version in self._seen


def _is_decimal(version: str) -> bool:
    return version.isascii() and version.isdecimal()


def _rank(version: str) -> tuple[int, str]:
    # As text: Python refuses to convert more than 4300 digits.
    digits = version.lstrip("0")
    return len(digits), digits
