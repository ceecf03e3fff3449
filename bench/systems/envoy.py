"""Envoy's `tcp_proxy` filter, no admin server, its backends from a file that it watches."""

import json
from pathlib import Path

from bench.net import Address
from bench.systems.installed import find, version_in
from bench.systems.system import Setup, translated

LIMIT = 1_000_000
BACKENDS = "backends.json"
SCHEDULERS = {"lc": "LEAST_REQUEST", "rr": "ROUND_ROBIN"}
ASSIGNMENT = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
TCP_PROXY = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"


class Envoy:
    """Envoy as a TCP load balancer."""

    name = "envoy"

    def version(self) -> str:
        """Return what `envoy --version` says."""
        return version_in([find("envoy"), "--version"])

    def command(self, setup: Setup, folder: Path) -> list[str]:
        """Run with a configuration that names the file of backends."""
        config, backends = folder / "envoy.json", folder / BACKENDS
        backends.write_text(json.dumps(_endpoints(setup.backends)))
        policy = translated(setup, SCHEDULERS, self.name)
        config.write_text(json.dumps({
            "node": {"id": "bench", "cluster": "bench"},
            "static_resources": {"listeners": [_listener(setup.listen)], "clusters": [_cluster(policy, backends)]},
        }))
        return [
            find("envoy"), "--config-path", str(config), "--concurrency", str(setup.workers),
            "--log-level", "error", "--disable-hot-restart",
        ]

    def change(self, setup: Setup, folder: Path) -> list[str]:
        """Put another file in the place of the one that it watches."""
        new = folder / f"new-{BACKENDS}"
        new.write_text(json.dumps(_endpoints(setup.backends)))
        return ["mv", str(new), str(folder / BACKENDS)]


def _listener(listen: Address) -> dict[str, object]:
    proxy = {"@type": TCP_PROXY, "stat_prefix": "web", "cluster": "web", "idle_timeout": "3600s"}
    return {
        "name": "web",
        "address": _address(listen),
        "tcp_backlog_size": 4096,
        "filter_chains": [{"filters": [{"name": "envoy.filters.network.tcp_proxy", "typed_config": proxy}]}],
    }


def _cluster(policy: str, backends: Path) -> dict[str, object]:
    limits = dict.fromkeys(("max_connections", "max_pending_requests", "max_requests"), LIMIT)
    source = {"path_config_source": {"path": str(backends)}, "resource_api_version": "V3"}
    return {
        "name": "web",
        "type": "EDS",
        "connect_timeout": "5s",
        "lb_policy": policy,
        "circuit_breakers": {"thresholds": [limits]},
        "eds_cluster_config": {"eds_config": source},
    }


def _endpoints(backends: tuple[Address, ...]) -> dict[str, object]:
    endpoints = [{"endpoint": {"address": _address(backend)}} for backend in backends]
    return {"resources": [{"@type": ASSIGNMENT, "cluster_name": "web", "endpoints": [{"lb_endpoints": endpoints}]}]}


def _address(address: Address) -> dict[str, object]:
    return {"socket_address": {"address": address.host, "port_value": address.port}}
