"""The three kinds of metric family that are used here, as lines of Prometheus' text format. Pure.

Written directly: through the client library's samples, a scrape of 10,000 backends took 0.8 s of CPU. The sample lines
are the same in Prometheus' text format and in OpenMetrics 1.0; only the heads of counters differ.
"""

from collections.abc import Iterator, Mapping
from itertools import accumulate

from lbproxy.model.stats import Histogram

COUNTED = "_total"
"""What ends the name of a counter, in both formats."""


class Family:
    """One family; whoever makes it appends to `lines`."""

    def __init__(self, kind: str, name: str, text: str) -> None:
        """`kind`: gauge, counter (`name` ends in COUNTED) or histogram. `text` has no line end and no backslash."""
        self.kind, self.name, self.text = kind, name, text
        self.lines: list[str] = []

    def add(self, labels: str, value: float) -> None:
        """Add one sample; `labels` as `label_text` gives them, or empty."""
        # No empty braces: parsers take them, but `grep '^lbproxy_in_sync '` does not.
        series = f"{self.name}{{{labels}}}" if labels else self.name
        self.lines.append(f"{series} {value:d}\n" if isinstance(value, int) else f"{series} {value!r}\n")

    def add_each(self, labels: str, label: str, values: Mapping[str, int], *, is_sparse: bool = False) -> None:
        """Add a sample for each entry, with its key as one more label. A sparse one leaves out zeros."""
        for key, value in values.items() if not is_sparse or any(values.values()) else ():
            if value or not is_sparse:
                self.add(f'{labels},{label}="{escaped(key)}"', value)

    def add_histogram(self, labels: str, durations: Histogram | None) -> None:
        """Add the cumulative buckets of durations in seconds; nothing for None."""
        if durations is None:
            return
        totals = list(accumulate(durations.counts))
        for bound, total in zip((*map(str, durations.bounds), "+Inf"), totals, strict=True):
            self.lines.append(f'{self.name}_bucket{{{labels},le="{bound}"}} {total}\n')
        self.lines.append(f"{self.name}_count{{{labels}}} {totals[-1]}\n")
        self.lines.append(f"{self.name}_sum{{{labels}}} {float(durations.total)!r}\n")

    def pieces(self, *, is_open: bool) -> Iterator[str]:
        """Give its text in pieces of some thousand lines, for OpenMetrics if `is_open`."""
        # OpenMetrics names the family of a counter without the suffix, and its samples with it.
        name = self.name.removesuffix(COUNTED) if is_open and self.kind == "counter" else self.name
        yield f"# HELP {name} {self.text}\n# TYPE {name} {self.kind}\n"
        for start in range(0, len(self.lines), 5000):
            yield "".join(self.lines[start:start + 5000])


def label_text(labels: Mapping[str, str]) -> str:
    """Write labels as they stand between the braces."""
    return ",".join(f'{name}="{escaped(value)}"' for name, value in labels.items())


def escaped(value: str) -> str:
    """Write the value of a label as both formats want it."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")

