"""The reference of metrics, from the registry of one of each kind."""

import inspect
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from lbproxy import metrics as control
from lbproxy.admin.collector import TableCollector

from .blocks import table
from .sample import Sample

SUFFIX = {"counter": "_total"}


def metrics() -> str:
    """Write one table of all families, by name."""
    rows = sorted((*_of_control(), *_of_table()))
    return table(("metric", "type", "labels", "meaning"), ([f"`{name}`", kind, *rest] for name, kind, *rest in rows))


def _of_control() -> Iterator[tuple[str, ...]]:
    registry = CollectorRegistry()
    for _, maker in inspect.getmembers(control, _takes_registry):
        others = [name for name in inspect.signature(maker).parameters if name != "registry"]
        maker(registry=registry, **dict.fromkeys(others, ""))
    for collector in dict.fromkeys(registry._names_to_collectors.values()):  # noqa: SLF001 - nothing else tells labels
        if isinstance(collector, MetricWrapperBase):
            yield _row(collector._name, str(collector._type), collector._labelnames, collector._documentation)  # noqa: SLF001


def _takes_registry(member: object) -> bool:
    return (callable(member) and getattr(member, "__module__", "") == control.__name__
            and "registry" in inspect.signature(member).parameters)


def _of_table() -> Iterator[tuple[str, ...]]:
    for family in TableCollector(Sample()).collect():
        labels = {label: None for sample in family.samples for label in sample.labels if label != "le"}
        yield _row(family.name, family.type, labels, family.documentation)


def _row(name: str, kind: str, labels: Iterable[str], text: str) -> tuple[str, ...]:
    return name + SUFFIX.get(kind, ""), kind, ", ".join(f"`{label}`" for label in labels), text
