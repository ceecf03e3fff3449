"""A real Prometheus scrapes the real program: what the documentation, the rules and the dashboard name is there."""

import os
import re
import signal
from pathlib import Path

import aiohttp
import pytest

from lbproxy.model.address import Address
from tests.support.cluster import Cluster
from tests.support.peers import Backend, free_address, is_refused
from tests.support.program import Program
from tests.support.scene import Scene, web

from .conftest import Scraped
from .dashboard import queries, variables
from .prometheus import Prometheus
from .rules import REPOSITORY, alerts, records

FEW = ("sh", "-c", 'ulimit -n 100; exec "$@"', "sh")
"""Starts a program that may open 100 files: enough for 18 clients of one worker."""
DOCUMENTED = re.findall(r"^\| `(lbproxy_\w+)` \| (\w+)", (REPOSITORY / "docs" / "metrics.md").read_text(), re.MULTILINE)


async def busy(scene: Scene, cluster: Cluster, listen: Address, lost: Address) -> Program:
    """A program to which everything happens that has a series, short of trouble with the machine."""
    alpha, bravo = await scene.backends("alpha", "bravo")
    pods = free_address()
    cluster.dates_changes = True
    await cluster.pods("one", "two")
    following = {"name": "pods", "listen": [str(pods)], "kubernetes": "default/web:http"}
    dead = str(free_address())
    named = {"name": "named", "listen": [str(free_address())], "backends": ["db.test:5432"]}  # no DNS server answers
    services = (following, named, {**web(lost, name="lost"), "backends": [dead]},
                {**web(listen, health_interval="0s"), "backends": [str(alpha.address), str(bravo.address), dead]})
    scene.write(*services, queue=2)
    socket = scene.path.with_name("admin.sock")
    program = await scene.start("--kubeconfig", str(cluster.kubeconfig), "--admin", f"unix:{socket}",
                                "--dns-server", str(free_address()))
    await program.logged("serving")
    await program.shows("lbproxy_watch_up", 2)
    await scene.served_by(listen, 30)  # five in a row fail at the third backend, and go on to another
    await program.counts("lbproxy_ejections_total", 1)
    await program.shows("lbproxy_health_panic", 1, service="lost")
    assert await is_refused(lost)
    cluster.leaving.append(cluster.ready.pop())
    cluster.tell()
    await program.counts("lbproxy_network_programming_seconds_count", 1)
    await drain(socket, alpha)
    scene.write(*services, queue=3)
    await program.counts("lbproxy_config_reloads_total", 1, result="success")
    return program


async def drain(socket: Path, backend: Backend) -> None:
    async with (aiohttp.UnixConnector(str(socket)) as connector, aiohttp.request(
            "POST", "http://x/drain", json={"backend": str(backend.address)}, connector=connector) as answer):
        assert answer.status == 200, await answer.text()


async def more(scene: Scene, listen: Address, lost: Address, prometheus: Prometheus) -> None:
    """What is counted after the first scrape, so that rates see it."""
    await prometheus.finds("lbproxy_connections_accepted_total > 0")
    scene.leave()
    await scene.served_by(listen, 10)
    assert await is_refused(lost)
    await prometheus.finds('increase(lbproxy_connections_accepted_total{service="web"}[1m]) > 0')
    await prometheus.finds('rate(lbproxy_connections_closed_total{service="web", reason="finished"}[1m]) > 0')


async def test_everything_that_is_documented_recorded_and_shown_is_there(
        scene: Scene, cluster: Cluster, listen: Address, other_listen: Address, scraped: Scraped) -> None:
    program = await busy(scene, cluster, listen, other_listen)
    prometheus = await scraped(program.admin)
    await more(scene, listen, other_listen, prometheus)
    assert len(DOCUMENTED) > 30
    for name, kind in DOCUMENTED:
        await present(prometheus, f"{name}_bucket" if kind == "histogram" else name)
    for name, rule in records().items():
        await present(prometheus, rule["expr"])
        await present(prometheus, name)
    for rule in alerts().values():
        await prometheus.query(rule["expr"])
    for series in variables():
        await present(prometheus, series)
    for expression in queries():
        await present(prometheus, expression)
    for name in {f"lbproxy_{each}" for each in re.findall(r"\blbproxy_(\w+)", (await program.get("/metrics"))[1])}:
        assert re.sub("_(bucket|sum|count)$", "", name) in dict(DOCUMENTED), f"{name} is not documented"


async def present(prometheus: Prometheus, expression: str) -> None:
    try:
        await prometheus.finds(expression)
    except TimeoutError:
        pytest.fail(f"no data: {expression}")


async def test_alerts_fire_when_all_backends_are_killed_and_end_when_one_is_back(
        scene: Scene, listen: Address, other_listen: Address, scraped: Scraped) -> None:
    alpha, bravo = await scene.backends("alpha", "bravo")
    program = await scene.serve(web(listen, alpha, bravo), web(other_listen, alpha, name="other"))
    prometheus = await scraped(program.admin)
    await prometheus.finds('lbproxy_usable_backends{service="web"} == 2')
    await prometheus.finds_nothing('ALERTS{alertname=~"Lbproxy.*"}')
    alpha.stop()
    bravo.stop()
    await program.shows("lbproxy_health_panic", 1, service="web")
    assert await is_refused(listen)
    for alert in ("LbproxyHealthPanic", "LbproxyRejectingMany"):
        (found,) = await prometheus.finds(f'ALERTS{{alertname="{alert}", service="web", alertstate="firing"}}')
        assert found["metric"]["severity"] == "critical"
    await bravo.start(*bravo.address)
    await prometheus.finds_nothing('ALERTS{alertname="LbproxyHealthPanic", service="web"}')


async def test_alert_fires_for_a_service_without_a_backend(
        scene: Scene, listen: Address, scraped: Scraped) -> None:
    program = await scene.serve(web(listen))
    prometheus = await scraped(program.admin)
    (found,) = await prometheus.finds('ALERTS{alertname="LbproxyNoUsableBackend", alertstate="firing"}')
    assert found["metric"]["service"] == "web"
    await program.kill()
    await prometheus.finds('ALERTS{alertname="LbproxyDown", alertstate="firing"}')


async def test_alerts_fire_for_a_killed_worker_and_a_refused_file(
        scene: Scene, listen: Address, scraped: Scraped) -> None:
    alpha, = await scene.backends("alpha")
    program = await scene.serve(web(listen, alpha))
    prometheus = await scraped(program.admin)
    await prometheus.finds("lbproxy_worker_restarts_total == 0")
    os.kill(program.workers()[0], signal.SIGKILL)
    await prometheus.finds('ALERTS{alertname="LbproxyWorkerRestarted", alertstate="firing"}')
    scene.write_text("services: [")
    program.signal(signal.SIGHUP)
    await prometheus.finds('ALERTS{alertname="LbproxyConfigRefused", alertstate="firing"}')
    scene.write(web(listen, alpha))
    program.signal(signal.SIGHUP)
    await prometheus.finds_nothing('ALERTS{alertname="LbproxyConfigRefused"}')


async def test_alerts_fire_when_descriptors_run_out(scene: Scene, listen: Address, scraped: Scraped) -> None:
    alpha, = await scene.backends("alpha")
    program = await scene.serve(web(listen, alpha), wrapper=FEW)
    prometheus = await scraped(program.admin)
    for _ in range(18):
        await scene.client(listen)
    await prometheus.finds('ALERTS{alertname="LbproxyDescriptorsNearLimit", alertstate="firing"}')
    await scene.connect(listen)
    await prometheus.finds('ALERTS{alertname="LbproxyAcceptPaused", alertstate="firing"}')
