"""The admin server under requests that its own description allows, and others that it does not: no 500, no hang, no
growth."""

import asyncio
from pathlib import Path
from typing import Any

import psutil
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lbproxy.model.address import Address
from tests.support.program import Program
from tests.support.scene import Scene, web

EXAMPLES = 60
"""Requests for each path."""
ALLOWED_GROWTH = 24 * 1024 * 1024
"""Bytes; a request that left something behind would take more."""
SLOWEST = 25.0
"""Seconds; below the server's own IDLE_TIMEOUT, which would end a request that hangs and so hide it."""
SECRET = "0123456789abcdef"

METHODS = st.sampled_from(["GET", "HEAD", "POST", "PUT", "OPTIONS", "DELETE", "x", "GET\t", ""])
PATHS = st.one_of(st.sampled_from(["/", "/drain", "/explain?service=", "/events?since=", "/stream", "/assets/../x"]),
                  st.text(max_size=60).map(lambda text: f"/{text}"))
HEADERS = st.lists(st.tuples(st.sampled_from(["Host", "Origin", "Content-Length", "Transfer-Encoding", "Accept",
                                              "Authorization", "Content-Type", "Expect", "Connection", "\x00"]),
                             st.text(max_size=30)), max_size=6)
FUZZ = settings(max_examples=EXAMPLES, deadline=None, database=None,
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large])


@pytest.fixture
async def program(scene: Scene, listen: Address, tmp_path: Path) -> Program:
    """One service with two backends, and a token."""
    token = tmp_path / "token"
    token.write_text(SECRET)
    return await scene.serve(web(listen, *await scene.backends("alpha", "bravo")), admin_token_file=str(token))


def obey(schema: Any, base_url: str) -> int:  # noqa: ANN401 - the library's own
    """Send what the description allows; every answer must be one that it names, in the shape that it names."""
    count = 0
    for result in schema.get_all_operations():
        operation = result.ok()

        @FUZZ
        @given(case=operation.as_strategy())
        def send(case: Any) -> None:  # noqa: ANN401 - as above
            nonlocal count
            count += 1
            case.headers = {**(case.headers or {}), "Authorization": f"Bearer {SECRET}"}
            case.call_and_validate(base_url=base_url, timeout=SLOWEST)

        send()
    return count


async def test_what_the_description_allows_is_answered_as_it_says(program: Program) -> None:
    base_url = f"http://{program.admin}"
    schema = await asyncio.to_thread(schemathesis.openapi.from_url, f"{base_url}/openapi.json")
    process = psutil.Process(program.process.pid)
    await asyncio.to_thread(obey, schema, base_url)
    before, files = process.memory_info().rss, process.num_fds()
    assert await asyncio.to_thread(obey, schema, base_url) > EXAMPLES
    assert process.memory_info().rss - before < ALLOWED_GROWTH
    assert process.num_fds() <= files + 2
    assert program.log("admin request failed") == []
    assert (await program.get("/healthz"))[0] == 200


async def test_whatever_is_said_to_the_server_does_no_harm(program: Program) -> None:
    loop = asyncio.get_running_loop()

    async def say(method: str, path: str, headers: list[tuple[str, str]], body: bytes) -> bytes:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
        said = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{lines}\r\n".encode()
        reader, writer = await asyncio.open_connection(*program.admin)
        writer.write(said + body)
        writer.write_eof()
        try:
            async with asyncio.timeout(SLOWEST):
                return await reader.readline()
        except ConnectionResetError:
            return b""
        finally:
            writer.close()

    @FUZZ
    @given(METHODS, PATHS, HEADERS, st.binary(max_size=200))
    def send(method: str, path: str, headers: list[tuple[str, str]], body: bytes) -> None:
        answer = asyncio.run_coroutine_threadsafe(say(method, path, headers, body), loop).result(2 * SLOWEST)
        assert answer.split(b" ")[1:2] != [b"500"]

    await asyncio.to_thread(send)
    assert program.log("admin request failed") == []
    assert (await program.get("/healthz"))[0] == 200
