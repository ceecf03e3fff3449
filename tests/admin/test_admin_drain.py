"""Orders to drain: what is carried out, what is refused and with which line."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from lbproxy.admin import server
from lbproxy.model.snapshot import BackendKey
from lbproxy.net.unix_path import UnixPath

from .fakes import ONE, TWO, FakeOperator, FakeStatus, admin_context


@pytest.fixture
async def on_socket(status: FakeStatus, operator: FakeOperator, tmp_path: Path) -> AsyncIterator[aiohttp.ClientSession]:
    """A client on the Unix socket, where no token is needed."""
    path = UnixPath(str(tmp_path / "admin.sock"))
    async with (server.serve([path], admin_context(status, operator)),
                aiohttp.ClientSession("http://x", connector=aiohttp.UnixConnector(path.path)) as client):
        yield client


async def test_drain_is_ordered_with_its_terms(on_socket: aiohttp.ClientSession, operator: FakeOperator) -> None:
    order = {"backend": str(ONE), "service": "web", "for_seconds": 600, "deadline_seconds": 0}
    async with on_socket.post("/drain", json=order) as answer:
        assert await answer.json() == {"backends": [
            {"service": "web", "backend": str(ONE), "active": 5, "others_open": 0}]}
    assert operator.ordered == {BackendKey("web", ONE): (600.0, 0.0)}


@pytest.mark.parametrize("text", ["2001:db8::2", "[2001:db8::2]", "2001:DB8:0::2", "[2001:db8::2]:80"])
async def test_address_alone_means_all_its_ports(
        on_socket: aiohttp.ClientSession, operator: FakeOperator, text: str) -> None:
    async with on_socket.post("/drain", json={"backend": text}) as answer:
        assert answer.status == 200
    assert list(operator.ordered) == [BackendKey("web", TWO)]


async def test_undrain_ends_the_order_of_the_service_that_it_names(
        on_socket: aiohttp.ClientSession, operator: FakeOperator) -> None:
    operator.ordered = {BackendKey("web", ONE): (None, None), BackendKey("gone", ONE): (None, None)}
    async with on_socket.post("/undrain", json={"backend": str(ONE), "service": "gone"}) as answer:
        assert answer.status == 200
    assert list(operator.ordered) == [BackendKey("web", ONE)]
    async with on_socket.post("/undrain", json={"backend": str(TWO)}) as answer:
        assert (answer.status, await answer.text()) == (
            404, f"no drain is ordered for '{TWO}'; lbproxy status shows the drained backends\n")


@pytest.mark.parametrize(("order", "line"), [
    ({"backend": "192.0.2.1:81"}, "there is no backend '192.0.2.1:81'; did you mean 192.0.2.1:80?"),
    ({"backend": "nobody"}, "there is no backend 'nobody'; write ADDRESS:PORT as lbproxy status shows it"),
    ({"backend": str(ONE), "service": "wbe"}, "there is no service 'wbe'; did you mean web?"),
    ({"backend": "\x1b[31m", "service": "web"},
     r"there is no backend '\x1b[31m'; write ADDRESS:PORT as lbproxy status shows it"),
])
async def test_unknown_backend_is_refused_with_advice(
        on_socket: aiohttp.ClientSession, operator: FakeOperator, order: dict[str, str], line: str) -> None:
    async with on_socket.post("/drain", json=order) as answer:
        assert (answer.status, await answer.text()) == (404, f"{line}\n")
    assert operator.ordered == {}


@pytest.mark.parametrize(("body", "words"), [
    (b"", "this is not an order: Invalid JSON"), (b"[]", "this is not an order"), (b"{}", "'backend': Field required"),
    (b'{"backend": 1}', "'backend': Input should be a valid string"),
    (b'{"backend": "x", "for_seconds": 0}', "'for_seconds': Input should be greater than 0"),
    (b'{"backend": "x", "for_seconds": -1}', "'for_seconds'"),
    (b'{"backend": "x", "for_seconds": NaN}', "'for_seconds'"),
    (b'{"backend": "x", "for_seconds": 1e9}', "'for_seconds': Input should be less than or equal to 2592000"),
    (b'{"backend": "x", "deadline_seconds": "1m"}', "'deadline_seconds': Input should be a valid number"),
    (b'{"backend": "x", "forever": true}', "'forever': Extra inputs are not permitted"),
    (b'{"backend": "' + b"x" * 101 + b'"}', "'backend': String should have at most 100 characters"),
    (b"\xff\xfe", "this is not an order"), (b"[" * 10_000, "this is not an order"),
])
async def test_wrong_order_is_refused_with_one_line_and_changes_nothing(
        on_socket: aiohttp.ClientSession, operator: FakeOperator, body: bytes, words: str) -> None:
    async with on_socket.post("/drain", data=body, headers={"Content-Type": "application/json"}) as answer:
        text = await answer.text()
    assert (answer.status, text.count("\n")) == (400, 1)
    assert text.startswith(words)
    assert operator.ordered == {}


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
async def test_only_post_is_allowed_for_orders(on_socket: aiohttp.ClientSession, method: str) -> None:
    async with on_socket.request(method, "/drain") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
