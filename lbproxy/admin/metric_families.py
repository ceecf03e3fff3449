"""The three kinds of metric family that are used here, each made from pairs of labels and value. Pure."""

from collections.abc import Iterable, Mapping
from itertools import accumulate

from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample

from lbproxy.model.stats import Histogram

Labels = dict[str, str]
Values = Iterable[tuple[Labels, float]]


def gauge(name: str, text: str, values: Values) -> Metric:
    """Make a family of values that go up and down."""
    return _family("gauge", name, text, (Sample(name, labels, value) for labels, value in values))


def counter(name: str, text: str, values: Values) -> Metric:
    """Make a family of values that only grow; `name` ends in `_total`."""
    # OpenMetrics names the family without the suffix; the library's writers put it back where a format wants it.
    family = name.removesuffix("_total")
    return _family("counter", family, text, (Sample(name, labels, value) for labels, value in values))


def histogram(name: str, text: str, values: Iterable[tuple[Labels, Histogram | None]]) -> Metric:
    """Make a family of durations in seconds, with cumulative buckets. None gives no series."""
    return _family("histogram", name, text, (sample for labels, durations in values if durations is not None
                                             for sample in _buckets(name, labels, durations)))


def spread(name: str, values: Iterable[tuple[Labels, Mapping[str, float]]], *, is_sparse: bool = False) -> Values:
    """Give each entry of the mappings a series of its own: its key as label `name`. A sparse one leaves out zeros."""
    return (({**labels, name: key}, value)
            for labels, mapping in values for key, value in mapping.items() if value or not is_sparse)


def _family(kind: str, name: str, text: str, samples: Iterable[Sample]) -> Metric:
    # The library's own families build a new dict of labels per sample. With 10,000 backends that is most of
    # the time that a scrape holds up the event loop, so backends share one per backend and the samples come ready.
    family = Metric(name, text, kind)
    family.samples.extend(samples)
    return family


def _buckets(name: str, labels: Labels, durations: Histogram) -> Iterable[Sample]:
    totals = list(accumulate(durations.counts))
    for bound, total in zip((*map(str, durations.bounds), "+Inf"), totals, strict=True):
        yield Sample(f"{name}_bucket", {**labels, "le": bound}, total)
    yield Sample(f"{name}_count", labels, totals[-1])
    yield Sample(f"{name}_sum", labels, durations.total)
