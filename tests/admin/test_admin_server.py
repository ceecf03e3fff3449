import asyncio
import gzip
import json
import select
import socket
from contextlib import suppress

import aiohttp
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse
from structlog.testing import capture_logs

from lbproxy.admin import response_middleware, server
from lbproxy.model.address import Address
from lbproxy.model.errors import BindError
from lbproxy.model.stats import Stats

from .fakes import FakeStatus, admin_context, busy_status

PATHS = ("/", "/metrics", "/backends", "/explain", "/events", "/healthz", "/readyz", "/openapi.json")


async def raw_answer(address: Address, sent: bytes) -> bytes:
    """Send raw bytes over a new connection and give all that comes back until it is closed or reset.

    It is reset if the server closes it before the bytes arrive.
    """
    reader, writer = await asyncio.open_connection(*address)
    writer.write(sent)
    answer = b""
    with suppress(ConnectionResetError):
        answer = await reader.read()
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    return answer


async def test_metrics_are_classic_text_by_default(client: aiohttp.ClientSession) -> None:
    async with client.get("/metrics") as answer:
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert "lbproxy_backend_state" in {family.name for family in parse(await answer.text())}


@pytest.mark.parametrize("accept", [
    "application/openmetrics-text",
    "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,*/*;q=0.1",
])
async def test_metrics_are_openmetrics_if_the_client_accepts_it(client: aiohttp.ClientSession, accept: str) -> None:
    async with client.get("/metrics", headers={"Accept": accept}) as answer:
        assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
        text = await answer.text()
    assert "lbproxy_backend_state" in {family.name for family in parse_open(text)}  # type: ignore[no-untyped-call]  # untyped library
    assert text.count("# EOF") == 1


@pytest.mark.parametrize("accept", ["*/*", "", "text/plain; version=9e9", ",;=,", "application/openmetrics-text;q=0"])
async def test_metrics_stay_classic_whatever_else_is_accepted(client: aiohttp.ClientSession, accept: str) -> None:
    async with client.get("/metrics", headers={"Accept": accept}) as answer:
        assert (answer.status, answer.content_type) == (200, "text/plain")


async def test_metrics_are_compressed_only_if_the_client_asks(client: aiohttp.ClientSession) -> None:
    async with client.get("/metrics", headers={"Accept-Encoding": "gzip"}, auto_decompress=False) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        packed = await answer.read()
    async with client.get("/metrics", headers={"Accept-Encoding": "identity, gzip;q=0"}) as answer:
        assert "Content-Encoding" not in answer.headers
        assert await answer.read() == gzip.decompress(packed)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_probe_says_ok(client: aiohttp.ClientSession, path: str) -> None:
    async with client.get(path) as answer:
        assert (answer.status, await answer.text()) == (200, "ok\n")


async def test_probe_says_why_not(client: aiohttp.ClientSession, status: FakeStatus) -> None:
    status.not_ready, status.not_healthy = "shutting down", "worker 1 hangs"
    async with client.get("/readyz") as answer:
        assert (answer.status, await answer.text()) == (503, "shutting down\n")
    async with client.get("/healthz") as answer:
        assert (answer.status, await answer.text()) == (503, "worker 1 hangs\n")


async def test_backends_are_json(client: aiohttp.ClientSession) -> None:
    async with client.get("/backends") as answer:
        assert answer.content_type == "application/json"
        assert json.loads(await answer.text())["services"][0]["name"] == "web"


async def test_index_names_every_path(client: aiohttp.ClientSession) -> None:
    async with client.get("/") as answer:
        text = await answer.text()
    assert all(path in text for path in PATHS)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
async def test_nothing_but_get_and_head_is_allowed(client: aiohttp.ClientSession, path: str, method: str) -> None:
    async with client.request(method, path, data=b"order") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "GET,HEAD")


@pytest.mark.parametrize("path", PATHS)
async def test_head_has_the_headers_of_get_and_no_body(client: aiohttp.ClientSession, path: str) -> None:
    async with client.head(path) as answer:
        assert (answer.status, await answer.read()) == (200, b"")
        assert int(answer.headers["Content-Length"]) > 0


@pytest.mark.parametrize("path", [*PATHS, "/assets/main.js", "/nothing", "/assets/nothing"])
async def test_every_answer_forbids_sniffing_and_storing(client: aiohttp.ClientSession, path: str) -> None:
    async with client.get(path) as answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/nothing", "/metrics/", "/metrics//", "/%00", "/../etc/passwd"])
async def test_unknown_path_is_404(client: aiohttp.ClientSession, path: str) -> None:
    async with client.get(path) as answer:
        assert (answer.status, await answer.text()) == (404, "404 Not Found\n")


async def test_error_in_a_page_is_logged_and_tells_the_client_nothing(
        client: aiohttp.ClientSession, status: FakeStatus, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Stats:
        raise RuntimeError("a secret")

    monkeypatch.setattr(status, "stats", broken)
    with capture_logs() as logs:
        for path in ("/metrics", "/backends"):
            async with client.get(path) as answer:
                assert (answer.status, await answer.text()) == (500, "500 Internal Server Error\n")
    assert [(line["event"], line["path"]) for line in logs] == [
        ("admin request failed", "/metrics"), ("admin request failed", "/backends")]


@pytest.mark.parametrize("sent", [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A" * 9000 + b": 1\r\n\r\n",
    b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
])
async def test_malformed_request_gets_400_and_no_log(
        address: Address, sent: bytes, caplog: pytest.LogCaptureFixture) -> None:
    answer = await raw_answer(address, sent)
    assert answer.startswith((b"HTTP/1.0 400 ", b"HTTP/1.1 400 "))
    assert b"Traceback" not in answer
    assert not caplog.records


async def test_connection_of_a_silent_client_is_closed(
        status: FakeStatus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "IDLE_TIMEOUT", 0.01)
    async with server.serve([Address("127.0.0.1", 0)], admin_context(status)) as (address,):
        assert isinstance(address, Address)
        assert await raw_answer(address, b"GET / HT") == b""


async def test_client_that_does_not_read_is_cut_off(
        address: Address, status: FakeStatus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response_middleware, "SEND_TIMEOUT", 0.05)
    status.not_ready = "x" * 50_000_000  # more than all buffers on the way
    with socket.create_connection(address) as sock:
        sock.sendall(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
        only_its_end = select.poll()
        only_its_end.register(sock, 0)
        ((_, event),) = await asyncio.to_thread(only_its_end.poll, 5000)
    assert event & select.POLLERR


async def test_connections_beyond_the_limit_are_closed(
        address: Address, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 1)
    monkeypatch.setattr(server, "PROBE_TIMEOUT", 0.05)
    async with client.get("/healthz") as answer:
        assert answer.status == 200
    assert await raw_answer(address, b"") == b""
    async with client.get("/healthz") as answer:
        assert answer.status == 200


async def test_address_in_use_is_one_clear_line(address: Address) -> None:
    with pytest.raises(BindError) as error:
        async with server.serve([address], admin_context(FakeStatus())):
            pass
    assert str(error.value) == (
        f"--admin: can't listen on {address}: address already in use; write another address, or off")


async def test_foreign_address_is_one_clear_line() -> None:
    with pytest.raises(BindError, match=r"^--admin: can't listen on 192\.0\.2\.1:9180: cannot assign requested"):
        async with server.serve([Address("192.0.2.1", 9180)], admin_context(FakeStatus())):
            pass


async def test_ipv6_address_is_served() -> None:
    async with (server.serve([Address("::1", 0)], admin_context(busy_status())) as (address,),
                aiohttp.ClientSession() as client,
                client.get(f"http://{address}/metrics") as answer):
        assert str(address).startswith("[::1]:")
        assert answer.status == 200


async def test_address_is_free_again_after_the_end(status: FakeStatus) -> None:
    async with server.serve([Address("127.0.0.1", 0)], admin_context(status)) as (address,):
        assert isinstance(address, Address)
        reader, writer = await asyncio.open_connection(*address)
    assert await reader.read() == b""
    writer.close()
    async with server.serve([address], admin_context(status)) as again:
        assert again == (address,)
