"""Where in shared memory each service and each backend is counted."""

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

from lbproxy.model.errors import DataplaneError

K = TypeVar("K", bound=Hashable)


class Slots(Generic[K]):
    """Numbers below `limit`, each held by one key at a time. `what` names the keys in an error."""

    def __init__(self, limit: int, what: str) -> None:
        self._limit, self._what = limit, what
        self._free: list[int] = []
        self.held: dict[K, int] = {}

    def hold(self, keys: Iterable[K]) -> None:
        """Give a number to each key that has none: to all of them, or to none and `DataplaneError`."""
        fresh = [key for key in dict.fromkeys(keys) if key not in self.held]
        if len(self.held) + len(fresh) > self._limit:
            raise DataplaneError(f"more than {self._limit} {self._what}: split them over several lbproxy instances")
        for key in fresh:
            self.held[key] = self._free.pop() if self._free else len(self.held)

    def give_back(self, keys: Iterable[K]) -> list[int]:
        """Take back the numbers of these keys, each of which holds one, and say which."""
        numbers = [self.held.pop(key) for key in keys]
        self._free += numbers
        return numbers
