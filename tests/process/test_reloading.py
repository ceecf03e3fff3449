"""The real program: its file changes while connections are open."""

import json
import signal
import socket

import pytest

from lbproxy.model.address import Address
from tests.support.peers import free_address, is_refused
from tests.support.program import Program
from tests.support.scene import Scene, web


@pytest.mark.parametrize("is_asked", [True, False], ids=["SIGHUP", "by itself"])
async def test_new_file_changes_what_it_says_and_no_connection(
        scene: Scene, listen: Address, other_listen: Address, *, is_asked: bool) -> None:
    alpha, bravo, charlie = await scene.backends("alpha", "bravo", "charlie")
    gone, new, untouched = free_address(), free_address(), web(other_listen, charlie, name="untouched")
    program = await scene.serve(untouched, web(listen, alpha), web(gone, alpha, name="gone"))
    held = [await scene.client(address) for address in (other_listen, listen, gone)]
    scene.write(untouched, web(listen, alpha, bravo), web(new, charlie, name="new"))
    if is_asked:
        program.signal(signal.SIGHUP)
    await program.logged("configuration read")
    await program.shows("lbproxy_backend_state", 1, service="new", state="active")
    assert await scene.served_by(new, 1) == {"charlie": 1}
    assert await scene.served_by(listen, 1) == {"bravo": 1}
    assert await is_refused(gone)
    assert [await client.ask() for client in held] == ["charlie", "alpha", "alpha"]
    await program.counts("lbproxy_config_reloads_total", 1, result="success")


@pytest.mark.parametrize("text", ["services: [", "services: [{listen: '127.0.0.1:1', backends: [nowhere]}]"])
async def test_bad_file_changes_nothing_and_a_good_one_is_applied(
        scene: Scene, listen: Address, text: str) -> None:
    alpha, bravo = await scene.backends("alpha", "bravo")
    program = await scene.serve(web(listen, alpha))
    client = await scene.client(listen)
    scene.write_text(text)
    program.signal(signal.SIGHUP)
    await program.shows("lbproxy_config_last_reload_successful", 0)
    await program.counts("lbproxy_config_reloads_total", 1, result="failure")  # a scrape is no single moment
    assert await scene.served_by(listen, 1) == {"alpha": 1}
    line, *_ = program.log("configuration refused, nothing was changed")  # a second one if it was seen to change too
    assert str(scene.path) in line["error"]
    assert (await _program(program))["configuration_refused"] == line["error"]
    scene.write(web(listen, bravo))
    program.signal(signal.SIGHUP)
    await program.shows("lbproxy_config_last_reload_successful", 1)
    assert (await _program(program))["configuration_refused"] is None
    await program.shows("lbproxy_backend_state", 1, backend=str(bravo.address), state="active")
    assert await scene.served_by(listen, 1) == {"bravo": 1}
    assert await client.ask() == "alpha"


async def test_new_address_in_use_keeps_nothing_else_waiting_and_is_applied_once_it_is_free(
        scene: Scene, listen: Address, other_listen: Address) -> None:
    alpha, bravo = await scene.backends("alpha", "bravo")
    program = await scene.serve(web(listen, alpha))
    client = await scene.client(listen)
    with socket.create_server(other_listen):
        scene.write(web(listen, alpha, bravo), web(other_listen, alpha, name="new"))
        program.signal(signal.SIGHUP)
        await program.shows("lbproxy_in_sync", 0)
        assert str(other_listen) in (await program.logged("out of sync, keeping the last applied state"))["error"]
        await program.shows("lbproxy_backend_state", 1, service="web", backend=str(bravo.address), state="active")
        assert await scene.served_by(listen, 1) == {"bravo": 1}
    await program.shows("lbproxy_in_sync", 1)
    assert await scene.served_by(other_listen, 1) == {"alpha": 1}
    assert await client.ask() == "alpha"
    assert len(program.log("out of sync, keeping the last applied state")) == len(program.log("in sync again")) == 1


async def test_removed_backend_drains_and_is_reset_at_the_limit(scene: Scene, listen: Address) -> None:
    alpha, bravo = await scene.backends("alpha", "bravo")
    program = await scene.serve(web(listen, alpha), drain_timeout="1500ms")
    client = await scene.client(listen)
    scene.write(web(listen, bravo), drain_timeout="1500ms")
    program.signal(signal.SIGHUP)
    await program.shows("lbproxy_backend_state", 1, backend=str(alpha.address), state="draining")
    assert (await program.metrics()).value("lbproxy_draining_connections") == 1
    assert await scene.served_by(listen, 2) == {"bravo": 2}
    assert await client.ask() == "alpha"
    assert await client.is_reset()
    await program.shows("lbproxy_backend_state", 0, backend=str(alpha.address), state="draining")
    assert (await program.metrics()).value("lbproxy_connections_closed_total", reason="drain_timeout") == 1
    assert program.log("backend changed")[-1]["reason"] == "the time to drain is over"


async def test_removed_backend_leaves_with_its_last_connection(scene: Scene, listen: Address) -> None:
    alpha, bravo = await scene.backends("alpha", "bravo")
    program = await scene.serve(web(listen, alpha))
    await scene.client(listen)
    scene.write(web(listen, bravo))
    program.signal(signal.SIGHUP)
    await program.shows("lbproxy_backend_state", 1, backend=str(alpha.address), state="draining")
    scene.leave()
    await program.logged("backend changed", times=4)
    assert [line["state"] for line in program.log("backend changed")] == ["active", "draining", "active", "removed"]


async def test_changed_option_that_needs_a_restart_is_named_at_each_reading(scene: Scene, listen: Address) -> None:
    program = await scene.serve(web(listen))
    scene.write(web(listen), workers=2, queue=7)
    program.signal(signal.SIGHUP)
    assert (await program.logged("configuration read"))["needs_restart"] == ["workers"]
    program.signal(signal.SIGHUP)
    assert (await program.logged("configuration read", times=2))["needs_restart"] == ["workers"]


async def _program(program: Program) -> dict[str, object]:
    told: dict[str, object] = json.loads((await program.get("/backends"))[1])["program"]
    return told
