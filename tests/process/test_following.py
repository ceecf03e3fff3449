"""The real program follows a Kubernetes Service."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lbproxy.model.address import Address
from tests.support.cluster import SLICES, Cluster
from tests.support.patience import PATIENCE
from tests.support.peers import Backend, Client, is_refused
from tests.support.program import Program, until

from .load import load

WEB = "default/web:http"


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    cluster = Cluster(tmp_path)
    await cluster.start()
    yield cluster
    await cluster.end()


async def ready(program: Program) -> None:
    """Wait until new clients are welcome."""
    async with asyncio.timeout(PATIENCE):
        await program.logged("serving")
        while (await program.get("/readyz"))[0] != 200:  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.01)


async def retire(cluster: Cluster, program: Program, pod: Backend) -> None:
    """As a deleted pod goes: it is marked terminating, serves who is there, and vanishes from the slices."""
    backend = str(pod.address)
    cluster.ready.remove(pod)
    cluster.leaving.append(pod)
    cluster.tell()
    await program.shows("lbproxy_backend_state", 1, backend=backend, state="draining")
    await program.shows("lbproxy_backend_connections_active", 0, backend=backend)
    cluster.leaving.remove(pod)
    cluster.tell()
    await program.shows("lbproxy_backend_state", 0, backend=backend, state="draining")
    await pod.close()


async def test_rolling_replacement_of_all_pods_fails_no_request(cluster: Cluster, listen: Address) -> None:
    old = await cluster.pods("a1", "a2", "a3")
    program = await cluster.run("--service", WEB, "--listen", str(listen))
    await ready(program)
    async with load(listen, 4) as seen:
        await seen.more(50)
        for number, pod in enumerate(old, start=1):
            await cluster.pods(f"b{number}")
            await retire(cluster, program, pod)
            await seen.more(50)
    assert (seen.refused, seen.lost) == (0, 0)
    assert (await program.metrics()).value("lbproxy_connections_rejected_total") == 0
    await program.shows("lbproxy_backend_connections_active", 0)


async def test_kept_connection_outlives_the_readiness_of_its_pod(cluster: Cluster, listen: Address) -> None:
    alpha, = await cluster.pods("alpha")
    program = await cluster.run("--service", WEB, "--listen", str(listen))
    await ready(program)
    client = await Client.connect(listen)
    assert await client.ask() == "alpha"
    await cluster.pods("bravo")
    cluster.ready.remove(alpha)
    cluster.leaving.append(alpha)
    cluster.tell()
    await program.shows("lbproxy_backend_state", 1, backend=str(alpha.address), state="draining")
    other = await Client.connect(listen)
    assert (await client.ask(), await other.ask()) == ("alpha", "bravo")
    client.close()
    other.close()


async def test_api_that_is_gone_cuts_nothing_and_pods_replaced_meanwhile_are_found_afterwards(
        cluster: Cluster, listen: Address) -> None:
    alpha, = await cluster.pods("alpha")
    program = await cluster.run("--service", WEB, "--listen", str(listen))
    await ready(program)
    async with load(listen, 2) as seen:
        await cluster.api.stop()
        await program.shows("lbproxy_watch_up", 0, resource=SLICES)
        await seen.more(50)
        assert (await program.get("/readyz"))[0] == 200
        await cluster.pods("bravo")
        cluster.ready.remove(alpha)
        cluster.tell()
        await cluster.api.start()
        await program.shows("lbproxy_backend_state", 0, backend=str(alpha.address), state="active")
        await seen.more(50)
    assert (seen.refused, seen.lost) == (0, 0)
    await program.shows("lbproxy_watch_up", 1, resource=SLICES)


async def test_program_that_never_saw_the_api_is_not_ready_and_says_why(cluster: Cluster, listen: Address) -> None:
    cluster.api.fail(403)
    program = await cluster.run("--service", WEB, "--listen", str(listen))
    await program.logged("serving")
    assert await program.get("/readyz") == (503, "the Kubernetes API has not answered yet for default/web\n")
    line = await program.logged("watch failed, keeping the last known state")
    assert "not allowed to list" in line["error"]
    assert "in namespace default; add to a Role there" in line["error"]
    assert await is_refused(listen)
    cluster.api.faults.clear()
    await cluster.pods("alpha")
    await ready(program)


async def test_program_that_never_saw_the_slices_is_not_ready(cluster: Cluster, listen: Address) -> None:
    alpha, = await cluster.pods("alpha")
    cluster.api.fail(403, resource=SLICES)
    program = await cluster.run("--service", WEB, "--listen", str(listen))
    await program.logged("serving")
    await program.shows("lbproxy_watch_up", 1, resource="services")
    assert await program.get("/readyz") == (503, "the Kubernetes API has not answered yet for default/web\n")
    cluster.api.faults.clear()
    await ready(program)
    await program.shows("lbproxy_backend_state", 1, backend=str(alpha.address), state="active")


async def test_missing_service_is_named_and_followed_once_it_is_there(cluster: Cluster, listen: Address) -> None:
    await cluster.pods("alpha")
    cluster.api.delete("services", "web")
    program = await cluster.run("--service", WEB, "--listen", str(listen))
    await program.logged("serving")
    line = await program.logged("Service can't be followed, going by its EndpointSlices")
    assert line["error"] == "Service default/web does not exist; create it, or name another one"
    assert await program.get("/readyz") == (503, "no usable backend\n")
    cluster.restore()
    await ready(program)


async def test_services_that_follow_come_and_go_with_the_file(
        cluster: Cluster, listen: Address, other_listen: Address, tmp_path: Path) -> None:
    alpha, = await cluster.pods("alpha")
    path = tmp_path / "lbproxy.yaml"
    static = f"services:\n  - {{name: static, listen: '{other_listen}', backends: ['{alpha.address}']}}\n"
    path.write_text(static)
    program = await cluster.run("--config", str(path))
    await ready(program)
    path.write_text(f"{static}  - {{listen: '{listen}', kubernetes: {WEB}}}\n")
    program.signal(signal.SIGHUP)
    await program.shows("lbproxy_backend_state", 1, service="web", state="active")
    client = await Client.connect(listen)
    assert await client.ask() == "alpha"
    client.close()
    path.write_text(static)
    program.signal(signal.SIGHUP)
    await until(lambda: not cluster.is_connected(program))
    for name in ("lbproxy_watch_up", "lbproxy_watch_last_event_age_seconds", "lbproxy_watch_relists"):
        assert not (await program.metrics()).families[name].samples


async def test_programming_time_is_measured_from_the_change_in_the_cluster(cluster: Cluster, listen: Address) -> None:
    await cluster.pods("alpha")
    program = await cluster.run("--service", WEB, "--listen", str(listen))
    await ready(program)
    assert (await program.metrics()).value("lbproxy_network_programming_seconds_count") == 0
    cluster.dates_changes = True
    await cluster.pods("bravo")
    metrics = await program.shows("lbproxy_network_programming_seconds_count", 1)
    assert 0 < metrics.value("lbproxy_network_programming_seconds_sum") < 20
