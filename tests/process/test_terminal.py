"""The operator's commands on a live process, in a pseudo-terminal."""

import json
import sys
from asyncio.subprocess import PIPE, create_subprocess_exec
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from lbproxy.model.address import Address
from lbproxy.net.unix_path import UnixPath
from tests.support.peers import free_address
from tests.support.program import ENVIRONMENT, Program
from tests.support.scene import Scene, web

from .load import load
from .terminal import Terminal, said

SECRET = "0123456789abcdef"


@pytest.fixture
def token(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text(SECRET)
    return file


async def printed(program: Program, *arguments: str) -> Any:  # noqa: ANN401 - JSON
    """What a command prints for a program that reads it."""
    process = await create_subprocess_exec(sys.executable, "-m", "lbproxy", *arguments, "--admin", str(program.admin),
                                           stdout=PIPE, stderr=PIPE, env=ENVIRONMENT)
    out, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")
    return json.loads(out)


async def is_as_described(program: Program, shape: str, answer: object) -> bool:
    """Whether an answer has the shape that /openapi.json tells of."""
    description = json.loads((await program.get("/openapi.json"))[1])
    jsonschema.validate(answer, {**description, "$ref": f"#/components/schemas/{shape}"})
    return True


async def test_status_shows_services_backends_and_reasons(scene: Scene, listen: Address) -> None:
    alpha, bravo = await scene.backends("alpha", "bravo")
    program = await scene.serve(web(listen, alpha, bravo))
    await scene.client(listen)
    bravo.stop()
    await program.shows("lbproxy_backend_state", 1, backend=str(bravo.address), state="down")
    code, text = await said(program.admin, "status")
    assert (code, text.splitlines()[0].split(",")[0][:6]) == (0, "ready ")
    assert f"web  {listen}  wlc" in text
    assert f"{bravo.address}  down (check failed: refused)" in text


async def test_status_and_explain_print_json_as_described(scene: Scene, listen: Address) -> None:
    alpha, = await scene.backends("alpha")
    program = await scene.serve(web(listen, alpha))
    status, explanation = await printed(program, "status", "--json"), await printed(program, "explain", "--json")
    assert await is_as_described(program, "StateShape", status)
    assert await is_as_described(program, "ExplanationShape", explanation)
    assert await is_as_described(program, "EventLogShape", json.loads((await program.get("/events"))[1]))
    assert status["services"][0]["backends"][0]["address"] == str(alpha.address)
    with pytest.raises(jsonschema.ValidationError):
        await is_as_described(program, "ExplanationShape", status)


async def test_top_is_live_and_ends_with_ctrl_c(scene: Scene, listen: Address) -> None:
    alpha, bravo = await scene.backends("alpha", "bravo")
    program = await scene.serve(web(listen, alpha, bravo))
    screen = await Terminal.run(program.admin, "top")
    await screen.shows(str(alpha.address))
    async with load(listen, 3) as seen:
        await seen.more(50)
        await screen.shows(lambda text: " new/s," in text and " 0 new/s," not in text)
    bravo.stop()
    await screen.shows("down (check failed: refused)")
    await program.kill()
    await screen.shows(f"no lbproxy answers at {program.admin}")
    again = await scene.start(admin=program.admin)
    await again.logged("serving")
    await screen.shows(lambda text: text.startswith("ready"))
    screen.interrupt()
    assert (await screen.ended())[0] == 0


async def test_explain_tells_the_chain_of_causes(scene: Scene, listen: Address) -> None:
    alpha, bravo = await scene.backends("alpha", "bravo")
    program = await scene.serve(web(listen, alpha, bravo))
    await scene.client(listen)
    code, text = await said(program.admin, "explain")
    assert code == 0
    assert "the next connection goes to  worker 0: " in text
    assert "→ scheduler   wlc chooses the backend with the fewest connections per weight; this one has 1" in text
    bravo.stop()
    await program.shows("lbproxy_backend_state", 1, backend=str(bravo.address), state="down")
    code, text = await said(program.admin, "explain", "web", str(bravo.address))
    assert "→ checks      the last check failed (refused)" in text
    assert str(alpha.address) not in text.split("worker 0:")[1].split("\n", 1)[1]
    assert await said(program.admin, "explain", "wbe") == (1, "lbproxy: there is no service 'wbe'; did you mean web?")


async def test_drain_and_undrain_by_the_unix_socket(scene: Scene, listen: Address, tmp_path: Path) -> None:
    alpha, bravo = await scene.backends("alpha", "bravo")
    path = UnixPath(str(tmp_path / "admin.sock"))
    scene.write(web(listen, alpha, bravo))
    program = await scene.start("--admin", str(path))
    await program.logged("serving")
    kept = [await scene.client(listen) for _ in range(2)]
    names = [await client.ask() for client in kept]
    assert await said(path, "drain", str(alpha.address), "--for", "10m") == (
        0, f"web: {alpha.address} drains for 10m; it has 1 connection")
    await program.shows("lbproxy_backend_drained_by_operator", 1)
    code, text = await said(path, "status")
    assert (code, f"{alpha.address}  draining (drained by operator, 10m left)" in text) == (0, True)
    code, text = await said(path, "explain", "web", str(alpha.address))
    assert "→ operator    an operator drains it for another 10m" in text
    assert "its oldest connection is " in text
    assert await scene.served_by(listen, 4) == {"bravo": 4}
    assert [await client.ask() for client in kept] == names
    assert await said(path, "undrain", str(alpha.address)) == (
        0, f"web: {alpha.address} is no longer drained by order; it has 1 connection")
    await program.shows("lbproxy_backend_drained_by_operator", 0)
    assert "alpha" in await scene.served_by(listen, 4)


async def test_drain_by_the_token(scene: Scene, listen: Address, token: Path) -> None:
    alpha, = await scene.backends("alpha")
    program = await scene.serve(web(listen, alpha), admin_token_file=str(token))
    code, text = await said(program.admin, "drain", str(alpha.address))
    assert code == 1
    assert text == "lbproxy: orders need the token: --admin-token-file FILE, or the header Authorization: Bearer TOKEN"
    code, text = await said(program.admin, "drain", str(alpha.address), "--admin-token-file", str(token))
    assert (code, text.splitlines()) == (0, [
        f"web: {alpha.address} drains until lbproxy undrain; it has no connections",
        "warning: no other backend of web takes connections: its clients are refused"])


async def test_mistakes_are_one_line(scene: Scene, listen: Address) -> None:
    alpha, = await scene.backends("alpha")
    program = await scene.serve(web(listen, alpha))
    nobody = free_address()
    for arguments, code, line in (
            (["drain", str(alpha.address)], 1,
             ("this server is read-only: orders need lbproxy run --admin-token-file FILE, "
              "or a Unix socket (--admin unix:PATH)")),
            (["drain", "x", "--for", "soon"], 2,
             "--for: 'soon' is not a duration; write one such as 500ms, 2s or 1h30m"),
            (["drain", "x", "--for", "0"], 2,
             "--for: 0 would end at once; write a duration such as 10m, or lbproxy undrain"),
            (["drain"], 2, "Missing argument 'BACKEND'; see lbproxy drain --help"),
            (["status", "--admin", "off"], 2, "--admin: off can't be asked; write an address or unix:PATH"),
            (["status", "--admin", str(nobody)], 1,
             f"no lbproxy answers at {nobody}: connection refused; give the address of its admin server with --admin"),
            (["status", "--admin", str(alpha.address)], 1,
             (f"no lbproxy answers at {alpha.address}: its answer is not HTTP; "
              "give the address of its admin server with --admin")),
            (["undrain", "x", "--admin-token-file", "/nowhere"], 1,
             "--admin-token-file: /nowhere: no such file or directory")):
        found, text = await said(program.admin, *arguments)
        assert (found, text.replace("\n", "")) == (code, f"lbproxy: {line}")
