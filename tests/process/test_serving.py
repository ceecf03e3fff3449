"""The real program: it serves, counts, logs, and refuses to start in one line."""

import socket

import pytest

from lbproxy.model.address import Address
from tests.support.peers import free_address, is_refused
from tests.support.program import Program, start, until
from tests.support.scene import Scene, web


async def test_serves_ipv4_and_ipv6_and_several_services(
        scene: Scene, listen: Address, other_listen: Address) -> None:
    alpha, bravo = await scene.backends("alpha", "bravo")
    six = free_address("::1")
    await scene.serve({**web(listen, alpha), "listen": [str(listen), str(six)]}, web(other_listen, bravo, name="other"))
    assert await scene.served_by(listen, 2) == await scene.served_by(six, 2) == {"alpha": 2}
    assert await scene.served_by(other_listen, 2) == {"bravo": 2}


async def test_metrics_can_be_parsed_and_are_exact(scene: Scene, listen: Address) -> None:
    alpha, bravo = await scene.backends("alpha", "bravo")
    program = await scene.serve(web(listen, alpha, bravo))
    assert await program.get("/readyz") == await program.get("/healthz") == (200, "ok\n")
    assert await scene.served_by(listen, 6) == {"alpha": 3, "bravo": 3}
    metrics = await program.metrics()
    assert metrics.value("lbproxy_connections_accepted_total", service="web") == 6
    assert metrics.value("lbproxy_backend_connections_active", backend=str(alpha.address)) == 3
    assert metrics.value("lbproxy_in_sync") == metrics.value("lbproxy_config_last_reload_successful") == 1
    scene.leave()
    metrics = await program.shows("lbproxy_backend_connections_active", 0)
    assert metrics.value("lbproxy_backend_bytes_total", direction="received") == 6 * 2 * len("who?\n")
    assert metrics.value("lbproxy_backend_connections_closed_total", reason="finished") == 6


async def test_log_is_json_away_from_a_terminal_and_tells_of_no_connection(scene: Scene, listen: Address) -> None:
    alpha, = await scene.backends("alpha")
    program = await scene.serve(web(listen, alpha))
    await scene.served_by(listen, 3)
    scene.leave()
    await program.shows("lbproxy_backend_connections_active", 0)
    assert [line["event"] for line in program.log()] == ["backend changed", "serving"]
    assert all({"level", "timestamp"} <= line.keys() for line in program.log())
    assert program.log("serving")[0]["listen"] == [str(listen)]


async def test_without_a_backend_it_is_healthy_and_not_ready_and_log_is_text_if_asked(
        scene: Scene, listen: Address) -> None:
    scene.write(web(listen))
    program = await scene.start("--log-format", "text")
    await until(lambda: any("serving" in line for line in program.output))
    assert await program.get("/readyz") == (503, "no usable backend\n")
    assert await program.get("/healthz") == (200, "ok\n")
    assert not program.output[-1].startswith("{")
    assert "\x1b" not in "".join(program.output)


async def test_backend_that_fails_its_checks_gets_no_clients_until_it_passes(scene: Scene, listen: Address) -> None:
    alpha, bravo = await scene.backends("alpha", "bravo")
    program = await scene.serve(web(listen, alpha, bravo))
    await bravo.close()
    await program.shows("lbproxy_backend_state", 1, backend=str(bravo.address), state="down")
    assert await scene.served_by(listen, 4) == {"alpha": 4}
    assert [line["reason"] for line in program.log("backend changed")] == ["ready", "ready", "check failed: refused"]
    await bravo.start(port=bravo.address.port)
    await program.shows("lbproxy_backend_state", 1, backend=str(bravo.address), state="active")
    assert await scene.served_by(listen, 4) == {"bravo": 4}


async def test_backend_whose_connects_fail_is_ejected_even_without_checks(scene: Scene, listen: Address) -> None:
    alpha, bravo = await scene.backends("alpha", "bravo")
    program = await scene.serve(web(listen, alpha, bravo), health_interval="0s")
    await bravo.close()
    assert await scene.served_by(listen, 8) == {"alpha": 8}
    assert (await program.logged("backend ejected"))["backend"] == str(bravo.address)
    metrics = await program.shows("lbproxy_backend_state", 1, backend=str(bravo.address), state="down")
    assert metrics.value("lbproxy_ejections_total", service="web") == 1
    assert metrics.value("lbproxy_backend_retries_total", backend=str(bravo.address)) >= 5


async def refusal(program: Program) -> str:
    """The only line of a program that does not even start; its exit code is 2."""
    assert await program.ended() == 2
    line, = program.output
    await program.kill()
    return line


async def test_listen_address_in_use_is_one_line(scene: Scene, listen: Address) -> None:
    with socket.create_server(listen):
        scene.write(web(listen))
        line = await refusal(await scene.start())
    assert line == f"lbproxy: can't listen on {listen}: it is in use; stop its holder or write another port"


async def test_admin_address_in_use_is_one_line(scene: Scene, listen: Address, other_listen: Address) -> None:
    with socket.create_server(other_listen):
        scene.write(web(listen))
        line = await refusal(await scene.start(admin=other_listen))
    assert line.startswith(f"lbproxy: --admin: can't listen on {other_listen}: ")


@pytest.mark.parametrize(("option", "expected"), [
    ("--scheduler=sh", ("lbproxy: --scheduler: the userspace dataplane has no sh; write lc, wlc, rr or wrr, "
                        "or --dataplane=ipvs")),
    ("--workers=0", "lbproxy: --workers: 0 is out of range; write a number from 1 to 256, or auto"),
])
async def test_what_it_cannot_do_is_one_line(option: str, expected: str) -> None:
    assert await refusal(await start("--listen", "127.0.0.1:80", "--backend", "127.0.0.1:81", option)) == expected


async def test_client_of_a_service_whose_backends_are_all_dead_is_not_kept_waiting(
        scene: Scene, listen: Address) -> None:
    alpha, = await scene.backends("alpha")
    program = await scene.serve(web(listen, alpha))
    await alpha.close()
    assert await is_refused(listen)
    assert (await program.metrics()).value("lbproxy_connections_rejected_total", reason="connect_failed") == 1
