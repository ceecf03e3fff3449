"""Which requests are answered: hosts, sites, tokens, sizes, and the Unix socket."""

import asyncio
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
from structlog.testing import capture_logs

from lbproxy.admin import drain_handler, server
from lbproxy.admin.guard import TokenError, TokenFile
from lbproxy.admin.server import bound
from lbproxy.model.address import Address
from lbproxy.model.errors import BindError
from lbproxy.model.snapshot import BackendKey
from lbproxy.net.unix_path import UnixPath
from tests.support.patience import PATIENCE

from .fakes import ONE, FakeOperator, FakeStatus, admin_context
from .test_admin_server import raw_answer

SECRET = "0123456789abcdef"
ORDER = {"backend": str(ONE)}
ALLOWED = {"Authorization": f"Bearer {SECRET}"}


@pytest.fixture
def token(tmp_path: Path) -> TokenFile:
    file = tmp_path / "token"
    file.write_text(f"{SECRET}\n")
    return TokenFile(file)


@pytest.fixture
async def guarded(
        status: FakeStatus, operator: FakeOperator, token: TokenFile) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of a server that takes orders with the token SECRET, and has the name lb.example too."""
    context = admin_context(status, operator, token, hosts=("lb.example",))
    async with (server.serve([Address("127.0.0.1", 0)], context) as (address,),
                aiohttp.ClientSession(f"http://{address}") as client):
        yield client


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:1", "10.1.2.3", "[::1]:80", "localhost", "LOCALHOST:9",
                                  "lb.example", "LB.example:9180"])
async def test_known_host_is_answered(guarded: aiohttp.ClientSession, host: str) -> None:
    async with guarded.get("/backends", headers={"Host": host}) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "[::1", "a b",
                                  "user@127.0.0.1.x", "2130706433"])
@pytest.mark.parametrize("path", ["/", "/backends", "/metrics", "/stream", "/explain", "/nothing"])
async def test_unknown_host_is_refused(guarded: aiohttp.ClientSession, host: str, path: str) -> None:
    async with guarded.get(path, headers={"Host": host}) as answer:
        assert (answer.status, await answer.text()) == (
            421, f"{host!r} is not a name of this server; use its IP address, or add the name to --admin-hosts\n")


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_probes_may_use_any_host(guarded: aiohttp.ClientSession, path: str) -> None:
    async with guarded.get(path, headers={"Host": "lbproxy.default.svc"}) as answer:
        assert answer.status == 200


async def test_order_with_the_token_is_carried_out(guarded: aiohttp.ClientSession, operator: FakeOperator) -> None:
    async with guarded.post("/drain", json=ORDER, headers=ALLOWED) as answer:
        assert answer.status == 200
    assert operator.ordered == {BackendKey("web", ONE): (None, None)}


@pytest.mark.parametrize("header", ["", "Bearer", f"Bearer {SECRET}0", f"Basic {SECRET}", SECRET, f"bearer  {SECRET} x",
                                    "Bearer \xff"])
@pytest.mark.parametrize("path", ["/drain", "/undrain"])
async def test_order_without_the_token_is_refused(
        guarded: aiohttp.ClientSession, operator: FakeOperator, header: str, path: str) -> None:
    async with guarded.post(path, json=ORDER, headers={"Authorization": header}) as answer:
        assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="lbproxy"')
    assert operator.ordered == {}


async def test_without_a_token_the_server_is_read_only(client: aiohttp.ClientSession, operator: FakeOperator) -> None:
    async with client.post("/drain", json=ORDER, headers=ALLOWED) as answer:
        assert (answer.status, await answer.text()) == (
            403, ("this server is read-only: orders need lbproxy run --admin-token-file FILE, "
                  "or a Unix socket (--admin unix:PATH)\n"))
    assert operator.ordered == {}


async def test_replaced_token_takes_effect_at_once(guarded: aiohttp.ClientSession, token: TokenFile) -> None:
    token.path.write_text("another-token-of-enough-length")
    async with guarded.post("/drain", json=ORDER, headers=ALLOWED) as answer:
        assert answer.status == 401
    async with guarded.post("/drain", json=ORDER,
                            headers={"Authorization": "Bearer another-token-of-enough-length"}) as answer:
        assert answer.status == 200


async def test_token_file_that_vanishes_refuses_orders_and_is_logged(
        guarded: aiohttp.ClientSession, token: TokenFile) -> None:
    token.path.unlink()
    with capture_logs() as logs:
        async with guarded.post("/drain", json=ORDER, headers=ALLOWED) as answer:
            assert (answer.status, SECRET in await answer.text()) == (503, False)
    assert [line["event"] for line in logs] == ["token file can't be used, orders are refused"]
    async with guarded.get("/backends") as answer:
        assert answer.status == 200


@pytest.mark.parametrize("content", [b"", b"short", b"two words of some length", b"x" * 5000, b"\n" * 50])
def test_file_without_a_token_is_refused_and_its_content_is_not_shown(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(TokenError, match="this is not a token; write one word of at least 16 characters") as error:
        TokenFile(file).read()
    assert not content.strip() or content.decode() not in str(error.value)


def test_world_readable_token_file_is_noticed(token: TokenFile) -> None:
    token.path.chmod(0o640)
    assert not token.is_world_readable()
    token.path.chmod(0o644)
    assert token.is_world_readable()


@pytest.mark.parametrize("headers", [
    {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"}, {"Origin": "http://127.0.0.1:1"},
])
async def test_order_from_another_site_is_refused_even_with_the_token(
        guarded: aiohttp.ClientSession, operator: FakeOperator, headers: dict[str, str]) -> None:
    async with guarded.post("/drain", json=ORDER, headers={**ALLOWED, **headers}) as answer:
        assert (answer.status, await answer.text()) == (403, "orders from other sites are refused\n")
    assert operator.ordered == {}


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_order_of_a_type_that_html_forms_can_send_is_refused(guarded: aiohttp.ClientSession, kind: str) -> None:
    async with guarded.post("/drain", data=b'{"backend": "x"}', headers={**ALLOWED, "Content-Type": kind}) as answer:
        assert answer.status == 415


async def test_oversized_order_is_refused(guarded: aiohttp.ClientSession, operator: FakeOperator) -> None:
    async with guarded.post("/drain", json={"backend": "x" * drain_handler.MAX_BODY}, headers=ALLOWED) as answer:
        assert answer.status == 413
    assert operator.ordered == {}


async def test_order_with_a_missing_body_times_out(
        guarded: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain_handler, "BODY_TIMEOUT", 0.02)
    host, port = guarded._base_url.host, guarded._base_url.port  # type: ignore[union-attr]  # it has one
    head = (f"POST /drain HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {SECRET}\r\n"
            "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
    answer = await raw_answer(Address(str(host), port or 0), head.encode())
    assert answer.startswith(b"HTTP/1.1 408 ")


async def test_connection_with_headers_that_trickle_in_is_closed(
        status: FakeStatus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "IDLE_TIMEOUT", 0.2)
    async with server.serve([Address("127.0.0.1", 0)], admin_context(status)) as (address,):
        assert isinstance(address, Address)
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"GET / HTTP/1.1\r\n")

        async def trickle() -> None:
            while True:
                writer.write(b"x")
                await asyncio.sleep(0.01)

        task = asyncio.create_task(trickle())
        async with asyncio.timeout(PATIENCE):
            with suppress(ConnectionResetError):
                assert await reader.read() == b""
        task.cancel()
        writer.close()


async def test_refusals_are_counted_by_reason(guarded: aiohttp.ClientSession) -> None:
    await (await guarded.get("/", headers={"Host": "evil.example"})).read()
    await (await guarded.post("/drain", json=ORDER)).read()
    await (await guarded.post("/drain", json=ORDER, headers={"Origin": "null"})).read()
    async with guarded.get("/metrics") as answer:
        text = await answer.text()
    for reason, count in (("host", 1), ("token", 1), ("cross_site", 1), ("read_only", 0)):
        assert f'lbproxy_admin_requests_refused_total{{reason="{reason}"}} {count}.0' in text


def mode(path: UnixPath) -> int | None:
    """Kind and permissions of the file there; None if there is none."""
    try:
        return Path(path.path).lstat().st_mode
    except FileNotFoundError:
        return None


@pytest.fixture
def path(tmp_path: Path) -> UnixPath:
    return UnixPath(str(tmp_path / "admin.sock"))


async def test_unix_socket_takes_orders_without_a_token(
        status: FakeStatus, operator: FakeOperator, path: UnixPath) -> None:
    async with (server.serve([path], admin_context(status, operator)) as bound,
                aiohttp.ClientSession("http://any.name", connector=aiohttp.UnixConnector(path.path)) as client,
                client.post("/drain", json=ORDER) as answer):
        assert (bound, answer.status) == ((path,), 200)
        assert mode(path) == stat.S_IFSOCK | 0o600
    assert list(operator.ordered) == [BackendKey("web", ONE)]
    assert mode(path) is None


async def test_tcp_and_unix_socket_are_served_at_once(status: FakeStatus, path: UnixPath) -> None:
    async with server.serve([Address("127.0.0.1", 0), path], admin_context(status)) as (address, socket_path):
        for url, connector in ((f"http://{address}", None), ("http://x", aiohttp.UnixConnector(str(path.path)))):
            async with aiohttp.ClientSession(url, connector=connector) as client, client.get("/healthz") as answer:
                assert answer.status == 200
        assert socket_path == path


async def test_stale_socket_is_replaced(status: FakeStatus, path: UnixPath) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(path.path)
    async with server.serve([path], admin_context(status)) as bound:
        assert bound == (path,)


async def test_socket_of_a_running_server_is_one_clear_line_and_stays(status: FakeStatus, path: UnixPath) -> None:
    async with server.serve([path], admin_context(status)):
        with pytest.raises(BindError) as error:
            async with server.serve([path], admin_context(status)):
                pass
        assert str(error.value) == (
            f"--admin: can't listen on {path}: address already in use; write another path, or off")
        async with (aiohttp.ClientSession("http://x", connector=aiohttp.UnixConnector(path.path)) as client,
                    client.get("/healthz") as answer):
            assert answer.status == 200


def test_other_file_at_the_path_of_the_socket_is_not_touched(path: UnixPath) -> None:
    Path(path.path).write_text("precious")
    with pytest.raises(BindError, match="address already in use"), bound(path):
        pass
    assert Path(path.path).read_text() == "precious"


def test_socket_that_another_server_has_put_there_is_not_removed(path: UnixPath) -> None:
    with bound(path):
        Path(path.path).unlink()
        other = bound(path)
        other.__enter__()
    assert mode(path) == stat.S_IFSOCK | 0o600
    other.__exit__(None, None, None)
    assert mode(path) is None
