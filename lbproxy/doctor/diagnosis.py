"""All findings together: which dataplane it would be, why, and how it stands with that one. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from lbproxy.dataplanes.selection import DataplaneSelection
from lbproxy.model.finding import Finding, Verdict, worst

ANY = "any"
"""Stands for the dataplane of a finding that matters for each of them."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found for any dataplane, and for each one that may run."""

    selection: DataplaneSelection
    common: tuple[Finding, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The worst of those that concern the dataplane that it would be."""
        return worst((*self.common, *self.selection.active.findings))

    def groups(self) -> Iterator[tuple[str, tuple[Finding, ...]]]:
        """Give the findings by dataplane, those for any first."""
        yield ANY, self.common
        for preflight in self.selection.preflights:
            yield preflight.kind.name, preflight.findings
