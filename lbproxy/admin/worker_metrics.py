"""The metrics of the worker processes, labelled `worker`: its number, which its replacement takes over."""

from collections.abc import Iterator

from prometheus_client.metrics_core import Metric

from lbproxy.admin.families import counter, gauge
from lbproxy.model.stats import Stats, WorkerStats

SILENT_AFTER = 5.0
"""Seconds without a heartbeat after which a worker counts as down."""


def worker_metrics(stats: Stats) -> Iterator[Metric]:
    """Give the families; without workers those that are labelled have no series."""
    named = [({"worker": str(worker.index)}, worker) for worker in stats.workers]
    yield gauge("lbproxy_workers", "Worker processes that there should be.", [({}, len(named))])
    yield counter("lbproxy_worker_restarts_total", "Worker processes that died and were replaced.",
                  [({}, stats.worker_restarts)])
    yield gauge("lbproxy_worker_up", "1 if the worker answers, 0 if it has died or hangs.",
                ((labels, _is_up(worker)) for labels, worker in named))
    yield gauge("lbproxy_worker_descriptors", "File descriptors that the worker uses for connections.",
                ((labels, worker.descriptors) for labels, worker in named))
    yield gauge("lbproxy_worker_descriptor_limit", "File descriptors that the worker may use for connections.",
                ((labels, worker.descriptor_limit) for labels, worker in named))
    yield counter("lbproxy_worker_cpu_seconds_total", "CPU time that the worker has used, in seconds.",
                  ((labels, worker.cpu_seconds) for labels, worker in named))
    yield gauge("lbproxy_accept_paused", "1 while the worker accepts nothing for want of descriptors, else 0.",
                ((labels, worker.is_paused) for labels, worker in named))
    yield counter("lbproxy_accept_pauses_total", "Times that the worker stopped accepting for want of descriptors.",
                  ((labels, worker.accept_pauses) for labels, worker in named))
    yield counter("lbproxy_accept_errors_total", "Clients that the worker failed to accept.",
                  ((labels, worker.accept_errors) for labels, worker in named))


def _is_up(worker: WorkerStats) -> bool:
    return worker.pid is not None and worker.heartbeat_age < SILENT_AFTER
