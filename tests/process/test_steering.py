"""An operator's drain on a live process: what it outlives, how it ends, and where it shows."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from lbproxy.model.address import Address
from tests.support.peers import Backend
from tests.support.program import Line, Program, until
from tests.support.scene import Scene, is_lost, web

SOCKET = "admin.sock"


class Operator:
    """Gives orders over the Unix socket."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def drain(self, backend: Backend, **terms: float) -> None:
        await self._post("/drain", {"backend": str(backend.address), **terms})

    async def undrain(self, backend: Backend) -> None:
        await self._post("/undrain", {"backend": str(backend.address)})

    async def _post(self, path: str, order: dict[str, object]) -> None:
        async with (aiohttp.UnixConnector(str(self.path)) as connector,
                    aiohttp.request("POST", f"http://x{path}", json=order, connector=connector) as answer):
            assert answer.status == 200, await answer.text()


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path / SOCKET)


async def serve(scene: Scene, operator: Operator, *services: Any) -> Program:  # noqa: ANN401 - as in `scene.write`
    scene.write(*services)
    program = await scene.start("--admin", f"unix:{operator.path}")
    await program.logged("serving")
    return program


async def drained(program: Program, backend: Backend) -> Line:
    """Wait until it is."""
    await program.shows("lbproxy_backend_drained_by_operator", 1, backend=str(backend.address))
    state = json.loads((await program.get("/backends"))[1])
    found, = [one for one in state["services"][0]["backends"] if one["address"] == str(backend.address)]
    assert (found["state"], found["is_drained_by_operator"]) == ("draining", True)
    return dict(found)


async def test_drain_outlives_a_reload_that_changes_its_backend(
        scene: Scene, listen: Address, operator: Operator) -> None:
    alpha, bravo = await scene.backends("alpha", "bravo")
    program = await serve(scene, operator, web(listen, alpha, bravo))
    await operator.drain(alpha)
    await drained(program, alpha)
    scene.write(web(listen, bravo))
    await program.shows("lbproxy_backend_state", 0, backend=str(alpha.address))
    scene.write(web(listen, alpha, bravo, scheduler="rr"))
    await drained(program, alpha)
    assert await scene.served_by(listen, 4) == {"bravo": 4}


async def test_drain_for_a_time_ends_by_itself(scene: Scene, listen: Address, operator: Operator) -> None:
    alpha, bravo = await scene.backends("alpha", "bravo")
    program = await serve(scene, operator, web(listen, alpha, bravo))
    await operator.drain(alpha, for_seconds=1.0)
    assert 0 < (await drained(program, alpha))["state_seconds_left"] <= 1.0
    await program.shows("lbproxy_backend_drained_by_operator", 0)
    assert set(await scene.served_by(listen, 4)) == {"alpha", "bravo"}


async def test_connections_left_at_the_deadline_are_reset_and_counted(
        scene: Scene, listen: Address, operator: Operator) -> None:
    alpha, bravo = await scene.backends("alpha", "bravo")
    program = await serve(scene, operator, web(listen, alpha, bravo))
    clients = {await client.ask(): client for client in [await scene.client(listen) for _ in range(2)]}
    await operator.drain(alpha, deadline_seconds=0.3)
    assert await clients["alpha"].is_reset()
    await program.shows("lbproxy_connections_closed_total", 1, reason="drain_timeout")
    await drained(program, alpha)
    counted = await program.metrics()
    assert counted.value("lbproxy_backend_connections_total", backend=str(alpha.address)) == 1
    assert await clients["bravo"].ask() == "bravo"
    assert not await is_lost(clients["bravo"])
    await operator.undrain(alpha)
    await program.shows("lbproxy_backend_state", 1, backend=str(alpha.address), state="active")
    assert "alpha" in await scene.served_by(listen, 4)


async def test_event_log_tells_of_orders_reloads_and_workers(scene: Scene, listen: Address, operator: Operator) -> None:
    alpha, bravo = await scene.backends("alpha", "bravo")
    program = await serve(scene, operator, web(listen, alpha, bravo))
    await operator.drain(alpha)
    await drained(program, alpha)
    scene.write(web(listen, alpha, bravo, scheduler="rr"))
    await program.logged("configuration read")
    worker, = program.workers()
    os.kill(worker, signal.SIGKILL)
    await program.logged("worker died")
    events = json.loads((await program.get("/events"))[1])["events"]
    told = [(event["kind"], event["backend"], event["state"]) for event in events]
    assert ("order", str(alpha.address), None) in told
    assert ("backend", str(alpha.address), "draining") in told
    assert ("configuration", None, None) in told
    assert ("worker", None, None) in told
    last = events[-1]["number"]
    assert json.loads((await program.get(f"/events?since={last}"))[1]) == {"latest": last, "events": []}
    await until(lambda: program.workers() != [worker])


async def test_bad_token_file_is_one_line_and_nothing_is_started(scene: Scene, listen: Address, tmp_path: Path) -> None:
    alpha, = await scene.backends("alpha")
    scene.write(web(listen, alpha))
    program = await scene.start("--admin-token-file", str(tmp_path / "nowhere"))
    assert await program.ended() == 2
    line, = program.output
    assert line == (f"lbproxy: --admin-token-file: {tmp_path / 'nowhere'}: no such file or directory; "
                    "write the path of a file with a token")


async def test_token_that_everybody_can_read_is_warned_of(scene: Scene, listen: Address, tmp_path: Path) -> None:
    alpha, = await scene.backends("alpha")
    token = tmp_path / "token"
    token.write_text("0123456789abcdef")
    token.chmod(0o644)
    program = await scene.serve(web(listen, alpha), admin_token_file=str(token))
    assert program.log("every user of this machine can read the admin token")[0]["level"] == "warning"
    assert "0123456789abcdef" not in "".join(program.output)
