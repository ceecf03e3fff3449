"""Envoy's `tcp_proxy` filter, one worker thread, no admin server."""

import json
from pathlib import Path

from bench.net import Address
from bench.systems.installed import find, version_in
from bench.systems.system import Setup

LIMIT = 1_000_000
TCP_PROXY = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"


class Envoy:
    """Envoy as a TCP load balancer."""

    name = "envoy"

    def version(self) -> str:
        """Return what `envoy --version` says."""
        return version_in([find("envoy"), "--version"])

    def command(self, setup: Setup, folder: Path) -> list[str]:
        """Run with a static configuration."""
        config = folder / "envoy.json"
        config.write_text(json.dumps({"static_resources": {
            "listeners": [_listener(setup.listen)], "clusters": [_cluster(setup.backends)],
        }}))
        return [
            find("envoy"), "--config-path", str(config), "--concurrency", str(setup.workers),
            "--log-level", "error", "--disable-hot-restart",
        ]


def _listener(listen: Address) -> dict[str, object]:
    proxy = {"@type": TCP_PROXY, "stat_prefix": "web", "cluster": "web", "idle_timeout": "3600s"}
    return {
        "name": "web",
        "address": _address(listen),
        "tcp_backlog_size": 4096,
        "filter_chains": [{"filters": [{"name": "envoy.filters.network.tcp_proxy", "typed_config": proxy}]}],
    }


def _cluster(backends: tuple[Address, ...]) -> dict[str, object]:
    limits = dict.fromkeys(("max_connections", "max_pending_requests", "max_requests"), LIMIT)
    endpoints = [{"endpoint": {"address": _address(backend)}} for backend in backends]
    return {
        "name": "web",
        "type": "STATIC",
        "connect_timeout": "5s",
        "lb_policy": "LEAST_REQUEST",
        "circuit_breakers": {"thresholds": [limits]},
        "load_assignment": {"cluster_name": "web", "endpoints": [{"lb_endpoints": endpoints}]},
    }


def _address(address: Address) -> dict[str, object]:
    return {"socket_address": {"address": address.host, "port_value": address.port}}
