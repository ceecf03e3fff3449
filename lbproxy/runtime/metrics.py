"""Metrics of the program as a whole: which dataplane runs, and how the configuration file is followed."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from lbproxy.runtime.log_writer import DROP_REASONS


def show_dataplane(registry: CollectorRegistry, requested: str, active: str, reason: str) -> None:
    """Say which dataplane runs, and why."""
    labels = {"requested": requested, "active": active, "reason": reason}
    Gauge("lbproxy_dataplane_info", "Always 1; the labels say which dataplane was asked for, which runs, and why.",
          list(labels), registry=registry).labels(**labels).set(1)


class ConfigMetrics:
    """How well the configuration file follows its editor; the names are Prometheus's own."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.reloads = Counter("lbproxy_config_reloads_total", "Attempts to read the configuration file again.",
                               ["result"], registry=registry)
        self.is_successful = Gauge("lbproxy_config_last_reload_successful", "0 after a file that was refused.",
                                   registry=registry)
        self.time = Gauge("lbproxy_config_last_reload_success_timestamp_seconds",
                          "When the configuration in effect was read, seconds since 1970.", registry=registry)
        # Both series exist from the start: the first failure is an increase then, which alerts on rate() need.
        for result in ("success", "failure"):
            self.reloads.labels(result)
        self.is_successful.set(1)
        self.time.set_to_current_time()

    def count(self, *, is_success: bool) -> None:
        """Count one attempt to reload the configuration."""
        self.reloads.labels("success" if is_success else "failure").inc()
        self.is_successful.set(is_success)
        if is_success:
            self.time.set_to_current_time()


class LogMetrics:
    """What of the log was lost."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._dropped = Counter("lbproxy_log_lines_dropped_total", "Log lines that could not be written.", ["reason"],
                                registry=registry)
        for reason in DROP_REASONS:
            self._dropped.labels(reason)

    def count_dropped(self, reason: str) -> None:
        """Count a line that was lost for one of DROP_REASONS; from any thread."""
        self._dropped.labels(reason).inc()


class TaskMetrics:
    """Failures of long-lived tasks."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._failures = Counter("lbproxy_task_failures_total",
                                 "Times that a part of the main process failed unexpectedly and was started again.",
                                 ["task"], registry=registry)

    def show(self, task: str) -> None:
        """Let its series exist, with 0: `rate()` sees a first failure only after a sample without it."""
        self._failures.labels(task)

    def count(self, task: str) -> None:
        """Count one failure of a task, which is named by its kind."""
        self._failures.labels(task).inc()
