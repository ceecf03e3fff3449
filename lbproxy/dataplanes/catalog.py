"""All dataplanes there are, and what follows from it: the words for `--dataplane`, and which honours which option."""

from collections.abc import Container, Iterator
from dataclasses import dataclass

from lbproxy.config import Config, ServiceConfig
from lbproxy.config.option_names import kebab
from lbproxy.config.source_map import KeyPath, Problem
from lbproxy.dataplanes.kind import DataplaneKind
from lbproxy.model.snapshot import Scheduler
from lbproxy.text.quoting import listed, quoted

AUTO = "auto"
"""The word for the first one that works."""


@dataclass(frozen=True, slots=True)
class Dataplanes:
    """The dataplanes, in the order of preference for `auto`: the last one is what is left where no other works."""

    kinds: tuple[DataplaneKind, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """The words that `--dataplane` takes: each kind's name, and auto."""
        return (*(kind.name for kind in self.kinds), AUTO)

    def note(self, option: str) -> str:
        """Give what help and reference say of an option (by field name) that only the list of dataplanes knows."""
        match option:
            case "dataplane":
                meanings = [f"{kind.name}: {kind.summary}" for kind in self.kinds]
                return "; ".join([*meanings, f"{AUTO}: the first of them that works here"]) + "."
            case "scheduler":
                return " ".join(f"{_words(words)}: {listed(owners)} only." for owners, words in self._uncommon())
        return ""

    def _uncommon(self) -> Iterator[tuple[tuple[str, ...], Container[Scheduler]]]:
        """Give the schedulers that not all have, by those that have them."""
        owners = {one: tuple(kind.name for kind in self.kinds if one in kind.schedulers) for one in Scheduler}
        # Only what not all have is worth a word in the help; a dict keeps the order of `Scheduler`.
        for some in dict.fromkeys(names for names in owners.values() if 0 < len(names) < len(self.kinds)):
            yield some, {one for one in Scheduler if owners[one] == some}

    def requested(self, config: Config) -> tuple[DataplaneKind, ...]:
        """Give those that may run: the one that was asked for, or all. None if the word is unknown."""
        return tuple(kind for kind in self.kinds if config.dataplane in {kind.name, AUTO})

    def honouring(self, option: str) -> tuple[str, ...]:
        """Give the names of those that honour an option (by field name) which others don't; none if all do."""
        return tuple(kind.name for kind in self.kinds if option in kind.own_options)

    def problems(self, config: Config) -> Iterator[Problem]:
        """Give what the requested dataplane can't honour; nothing for `auto`, which takes one that can."""
        if config.dataplane not in self.words:
            yield Problem(("dataplane",), f"{quoted(config.dataplane)} is unknown; write {listed(self.words)}")
        elif config.dataplane != AUTO:
            for kind in self.requested(config):
                yield from self.unsupported(kind, config)

    def unsupported(self, kind: DataplaneKind, config: Config) -> Iterator[Problem]:
        """Give all that one of them can't honour, with what to write instead."""
        for path, given in _levels(config):
            yield from self._foreign_options(kind, path, given)
            # A service that only inherits the scheduler is not reported again: the mistake is at the top of the file.
            if given.scheduler not in kind.schedulers and (not path or "scheduler" in given.model_fields_set):
                yield Problem((*path, "scheduler"), self._foreign_scheduler(kind, given.scheduler))
        yield from kind.unsupported(config)

    def hidden_options(self, config: Config) -> frozenset[str]:
        """Give the options that a file for this dataplane leaves out: another one's, which would be refused in it."""
        requested = self.requested(config)
        own = requested[0].own_options if len(requested) == 1 else frozenset()
        return self._all_own() - own

    def _all_own(self) -> frozenset[str]:
        return frozenset().union(*(kind.own_options for kind in self.kinds))

    def _foreign_options(self, kind: DataplaneKind, path: KeyPath, given: Config | ServiceConfig) -> Iterator[Problem]:
        foreign = self._all_own() - kind.own_options
        # Only what was written: a default of another dataplane's option is no wish.
        for name in sorted(foreign & given.model_fields_set):
            if not _is_off(getattr(given, name)):
                owners = self.honouring(name)
                yield Problem((*path, kebab(name)), f"is for the {listed(owners)} dataplane, {kind.name} has no such "
                                                    f"option; remove it, or write --dataplane={owners[0]}")

    def _foreign_scheduler(self, kind: DataplaneKind, scheduler: Scheduler) -> str:
        owners = [other.name for other in self.kinds if scheduler in other.schedulers]
        switch = f", or --dataplane={owners[0]}" if owners else ""
        return f"the {kind.name} dataplane has no {scheduler}; write {_words(kind.schedulers)}{switch}"


def _words(schedulers: Container[Scheduler]) -> str:
    return listed([one.value for one in Scheduler if one in schedulers])


def _is_off(value: object) -> bool:
    """Whether it asks for nothing: a switch that is off. A number that is 0 does ask."""
    return value is None or value is False


def _levels(config: Config) -> Iterator[tuple[KeyPath, Config | ServiceConfig]]:
    yield (), config
    for index, service in enumerate(config.services):
        yield ("services", index), service
