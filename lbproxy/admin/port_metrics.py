"""What limits the connections to one backend address: each needs a source port of its own."""

from collections.abc import Iterator

from prometheus_client.metrics_core import Metric

from lbproxy.admin.families import gauge
from lbproxy.net.limits import source_ports


def port_metrics() -> Iterator[Metric]:
    """Give the family; without a series where the kernel doesn't say."""
    ports = source_ports()
    yield gauge("lbproxy_source_ports", "Ports for connections to one backend address (net.ipv4.ip_local_port_range).",
                [({}, ports)] if ports else [])
