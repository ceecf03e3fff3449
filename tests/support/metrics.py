"""What a scrape of the program says."""

from prometheus_client.parser import text_string_to_metric_families as parse

Sample = tuple[str, frozenset[tuple[str, str]]]
"""A name and its labels."""


class Metrics:
    """One scrape."""

    def __init__(self, text: str) -> None:
        self.families = {family.name: family for family in parse(text)}
        self._samples: dict[Sample, float] = {}
        self.growing: dict[Sample, float] = {}
        """Everything that must never go backwards."""
        for family in self.families.values():
            found = {(one.name, frozenset(one.labels.items())): one.value for one in family.samples}
            self._samples |= found
            if family.type in ("counter", "histogram"):
                self.growing |= found

    def value(self, name: str, /, **labels: str) -> float:
        """The sum of all samples of this name that have these labels, and maybe others."""
        return sum(value for (found, has), value in self._samples.items()
                   if found == name and labels.items() <= set(has))
