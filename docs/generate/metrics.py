"""The reference of metrics, from the registry of one of each kind."""

import inspect
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType

from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from lbproxy.admin import guard
from lbproxy.admin.metrics import TableCollector
from lbproxy.control import metrics as control
from lbproxy.runtime import metrics as runtime
from lbproxy.sources.dns import metrics as dns
from lbproxy.sources.kubernetes import metrics as kubernetes

from .blocks import table
from .sample import Sample

MODULES = (control, runtime, dns, kubernetes, guard)
"""Those that define metrics of their own; the metrics of services and backends come from the collector."""
SUFFIX = {"counter": "_total"}


def metrics() -> str:
    """Write one table of all families, by name."""
    rows = sorted((*_of_control(), *_of_table()))
    return table(("metric", "type", "labels", "meaning"), ([f"`{name}`", kind, *rest] for name, kind, *rest in rows))


def _of_control() -> Iterator[tuple[str, ...]]:
    registry = CollectorRegistry()
    for maker in (member for module in MODULES for _, member in inspect.getmembers(module, _is_metrics_of(module))):
        others = [name for name in inspect.signature(maker).parameters if name != "registry"]
        maker(registry=registry, **dict.fromkeys(others, ""))
    for collector in dict.fromkeys(registry._names_to_collectors.values()):  # noqa: SLF001 - nothing else tells labels
        if isinstance(collector, MetricWrapperBase):
            yield _row(collector._name, str(collector._type), collector._labelnames, collector._documentation)  # noqa: SLF001


def _is_metrics_of(module: ModuleType) -> Callable[[object], bool]:
    """Give a test for what a module defines itself and makes metrics in a registry."""
    return lambda member: (callable(member) and getattr(member, "__module__", "") == module.__name__
                           and not (isinstance(member, type) and issubclass(member, Exception))  # no signature
                           and "registry" in inspect.signature(member).parameters)


def _of_table() -> Iterator[tuple[str, ...]]:
    for family in TableCollector(Sample()).collect():
        labels = {label: None for sample in family.samples for label in sample.labels if label != "le"}
        yield _row(family.name, family.type, labels, family.documentation)


def _row(name: str, kind: str, labels: Iterable[str], text: str) -> tuple[str, ...]:
    return name + SUFFIX.get(kind, ""), kind, ", ".join(f"`{label}`" for label in labels), text
