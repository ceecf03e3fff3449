"""An API server that is down, slow, forbidden, malformed or half-open never changes what was published."""

import asyncio
import re

import pytest
from aiohttp import web
from structlog.typing import EventDict

from lbproxy.sources.kubernetes.client import api, watch
from lbproxy.sources.kubernetes.client.api import Api
from lbproxy.sources.kubernetes.client.api_connection import ApiRefusedError
from tests.support.fake_api import END, FakeApi
from tests.support.objects import Json, a_slice, endpoint, port, service
from tests.support.waiting import until

from .conftest import Cluster

SLICES = "endpointslices"
BOTH = (SLICES, "services")


async def settle(cluster: Cluster, server: FakeApi) -> None:
    """Wait for the first publication, and for both watches."""
    cluster.follow()
    await cluster.says("10.0.0.1")
    await until(lambda: server.watched(*BOTH))


async def change_is_seen(cluster: Cluster, server: FakeApi) -> None:
    """Nothing was published since the first time; a change now is."""
    assert len(cluster.said) == 1
    server.put(SLICES, a_slice(endpoint("10.0.0.2")))
    await cluster.says("10.0.0.2")
    assert len(cluster.said) == 2


def relists(cluster: Cluster, reason: str) -> float | None:
    return cluster.metric("lbproxy_watch_relists_total", reason=reason)


async def test_watch_that_ends_is_resumed_from_the_last_version(cluster: Cluster, server: FakeApi) -> None:
    await settle(cluster, server)
    server.bookmark()
    server.say(END)
    await until(lambda: server.count("watch", SLICES) == 2 and server.watched(*BOTH))
    assert server.count("list", SLICES) == 1
    first, second = (request.query for request in server.requests
                     if (request.verb, request.resource) == ("watch", SLICES))
    assert 300 <= int(first["timeoutSeconds"]) <= 600
    assert first["allowWatchBookmarks"] == "true"
    assert int(second["resourceVersion"]) >= int(first["resourceVersion"])
    await change_is_seen(cluster, server)


async def test_bookmark_moves_the_version_on(cluster: Cluster, server: FakeApi) -> None:
    await settle(cluster, server)
    server.forget()
    server.bookmark()
    server.say(END)
    await until(lambda: server.count("watch", SLICES) == 2 and server.watched(*BOTH))
    assert server.count("list", SLICES) == 1
    await change_is_seen(cluster, server)


async def test_watches_that_end_at_once_are_resumed_with_pauses(
        cluster: Cluster, server: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "FIRST_WAIT", 0.1)
    monkeypatch.setattr(watch, "LONGEST_WAIT", 30.0)
    server.answer(web.Response, "watch", times=1 << 30)
    cluster.follow()
    await cluster.says("10.0.0.1")
    await until(lambda: server.count("watch", SLICES) == 3)  # after 0.05 to 0.1 and 0.1 to 0.2 seconds
    assert server.count("watch", "services") <= 4


async def test_410_inside_the_stream_leads_to_a_list_that_finds_what_was_missed(
        cluster: Cluster, server: FakeApi, logs: list[EventDict]) -> None:
    await settle(cluster, server)
    server.fail(500, "watch", times=4)
    server.reset()
    await until(lambda: not server.streams)
    server.put(SLICES, a_slice(endpoint("10.0.0.2"), name="web-2"))
    server.delete(SLICES, "web-1")
    server.forget()
    await cluster.says("10.0.0.2")
    assert relists(cluster, "expired") == 1
    assert not [line for line in logs if "expired" in str(line)]


async def test_410_as_a_status_leads_to_a_list(cluster: Cluster, server: FakeApi) -> None:
    await settle(cluster, server)
    server.fail(410, "watch", SLICES, times=1)
    server.say(END)
    await until(lambda: relists(cluster, "expired") == 1 and server.watched(*BOTH))
    await change_is_seen(cluster, server)


async def test_other_error_in_the_stream_leads_to_a_list(cluster: Cluster, server: FakeApi) -> None:
    await settle(cluster, server)
    server.say(b'{"type": "ERROR", "object": {"kind": "Status", "metadata": {}, "code": 500}}\n', SLICES)
    await until(lambda: relists(cluster, "error") == 1 and server.count("watch", SLICES) == 2)
    await change_is_seen(cluster, server)


async def test_silent_watch_leads_to_a_list(
        cluster: Cluster, server: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "SILENCE", 0.05)
    await settle(cluster, server)
    await until(lambda: (relists(cluster, "stalled") or 0) >= 1)
    await change_is_seen(cluster, server)


async def test_watch_that_ends_late_leads_to_a_list(
        cluster: Cluster, server: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "RELIST_INTERVAL", 0.02)
    await settle(cluster, server)

    def is_listed_on_time() -> bool:
        server.say(END)
        return (relists(cluster, "timer") or 0) >= 1
    await until(is_listed_on_time)
    monkeypatch.setattr(watch, "RELIST_INTERVAL", 900.0)
    await change_is_seen(cluster, server)


async def test_line_that_breaks_off_is_repeated_by_the_next_watch(cluster: Cluster, server: FakeApi) -> None:
    await settle(cluster, server)
    server.say(b'{"type": "DELETED", "object": {"metadata": {"name": "web-1", "resourceVersion": "99"}')
    server.say(END)
    await until(lambda: server.count("watch", SLICES) == 2 and server.watched(*BOTH))
    assert server.count("list", SLICES) == 1
    await change_is_seen(cluster, server)


async def test_connection_that_is_reset_is_resumed(cluster: Cluster, server: FakeApi, logs: list[EventDict]) -> None:
    await settle(cluster, server)
    server.say(b'{"type": "DEL')
    await until(lambda: all(stream.queue.empty() for stream in server.streams))
    server.reset()
    await until(lambda: server.count("watch", SLICES) == 2 and server.watched(*BOTH))
    assert server.count("list", SLICES) == 1
    await change_is_seen(cluster, server)
    assert [line["event"] for line in logs if line["resource"] == SLICES] == [
        "watch failed, keeping the last known state", "the API server answers again"]


MALFORMED_EVENTS = [
    b"<html>", b"[]", b"7", b"null", b'{"type": "ADDED"', b'{"type": "ADDED"}', b'{"type": 7, "object": {}}',
    b'{"type": "DELETED", "object": {"metadata": {"name": "web-1"}}}', b'{"type": "ADDED", "object": [1]}',
    b'{"type": "VANISHED", "object": {"metadata": {"name": "web-1", "resourceVersion": "9"}}}', b"\xff\xfe",
    b"[" * 100_000, b'{"a": ' + b"9" * 5000 + b"}"]


@pytest.mark.parametrize("malformed", MALFORMED_EVENTS, ids=range(len(MALFORMED_EVENTS)))
async def test_malformed_event_leads_to_a_list(cluster: Cluster, server: FakeApi, malformed: bytes) -> None:
    await settle(cluster, server)
    server.say(malformed + b"\n", SLICES)
    await until(lambda: relists(cluster, "garbled") == 1 and server.count("watch", SLICES) == 2)
    await change_is_seen(cluster, server)


MALFORMED_LISTS = [
    b"", b"OK", b"{}", b"[]", b'{"items": []}', b'{"metadata": {"resourceVersion": "7"}}',
    b'{"metadata": {"resourceVersion": "7"}, "items": {}}', b'{"metadata": {"resourceVersion": 7}, "items": []}',
    b'{"metadata": {"resourceVersion": "7"}, "items": [{}]}', b'{"metadata": {"resourceVersion": "7"}, "items": [']


@pytest.mark.parametrize("malformed", MALFORMED_LISTS, ids=range(len(MALFORMED_LISTS)))
async def test_malformed_list_changes_nothing(cluster: Cluster, server: FakeApi, malformed: bytes) -> None:
    await settle(cluster, server)
    server.answer(lambda: web.Response(body=malformed), "list", SLICES, times=3)
    server.fail(410, "watch", SLICES, times=1)
    server.say(END, SLICES)
    await until(lambda: server.count("list", SLICES) == 5 and server.watched(*BOTH))
    await change_is_seen(cluster, server)


GARBLED: list[Json] = [{"endpoints": "none"}, {"endpoints": {}}, {"ports": "http"}, {"ports": [7]}, {"addressType": 4},
                       {"addressType": None}, {"ports": [port("8080")]}, {"ports": [port(0)]}]


@pytest.mark.parametrize("garbled", GARBLED, ids=range(len(GARBLED)))
async def test_slice_of_wrong_types_takes_nothing_away_and_is_reported(
        cluster: Cluster, server: FakeApi, logs: list[EventDict], garbled: Json) -> None:
    await settle(cluster, server)
    server.put(SLICES, a_slice(endpoint("10.0.0.1")) | garbled)
    server.put(SLICES, a_slice(endpoint("10.0.0.2"), name="web-2"))
    await cluster.says("10.0.0.1", "10.0.0.2")
    assert [line["event"] for line in logs] == ["parts of the EndpointSlices are ignored"]
    assert all(len(said["web"].endpoints) >= 1 for said in cluster.said)
    server.put(SLICES, a_slice(endpoint("10.0.0.3")))
    await cluster.says("10.0.0.2", "10.0.0.3")


async def test_list_that_breaks_off_changes_nothing(cluster: Cluster, server: FakeApi) -> None:
    await settle(cluster, server)
    server.cut("list", SLICES, times=3)
    server.fail(410, "watch", SLICES, times=1)
    server.say(END, SLICES)
    await until(lambda: server.count("list", SLICES) == 5 and server.watched(*BOTH))
    await change_is_seen(cluster, server)


@pytest.mark.parametrize("code", [401, 403, 404, 429, 500, 503, 504])
async def test_refusals_change_nothing_and_are_reported_once(
        cluster: Cluster, server: FakeApi, logs: list[EventDict], code: int) -> None:
    await settle(cluster, server)
    server.fail(code, resource=SLICES, times=20)
    server.say(END, SLICES)
    await until(lambda: server.count("watch", SLICES) == 10)
    assert cluster.metric("lbproxy_watch_up") == 0
    await until(lambda: cluster.metric("lbproxy_watch_up") == 1)
    await change_is_seen(cluster, server)
    assert [line["log_level"] for line in logs] == ["error", "info"]


async def test_api_server_that_is_gone_and_comes_back_with_other_pods(
        cluster: Cluster, server: FakeApi, logs: list[EventDict]) -> None:
    await settle(cluster, server)
    await server.stop()
    await until(lambda: len([line for line in logs if "can't be reached" in str(line.get("error"))]) == 2)
    server.put(SLICES, a_slice(endpoint("10.0.0.7"), name="web-7"))
    server.delete(SLICES, "web-1")
    server.forget()
    assert len(cluster.said) == 1
    await server.start()
    await cluster.says("10.0.0.7")
    assert len(cluster.said) == 2


async def test_restart_of_the_api_server_is_one_failure_of_each_watch(
        cluster: Cluster, server: FakeApi, logs: list[EventDict]) -> None:
    await settle(cluster, server)
    server.reset()
    await server.stop()
    await until(lambda: cluster.metric("lbproxy_watch_up") == 0)
    for _ in range(20):
        await asyncio.sleep(0.01)  # some attempts, each refused
    await server.start()
    await until(lambda: server.watched(*BOTH))
    errors = [line for line in logs if line["log_level"] == "error"]
    assert sorted(line["resource"] for line in errors) == [*BOTH]
    assert all(str(line["error"]).startswith("the API server can't be reached (") for line in errors)
    assert not [line for line in errors if re.search("[a-z][A-Z]", str(line["error"]))], "no name of a class"


async def test_denied_access_is_reported_with_the_rule_to_add(
        cluster: Cluster, server: FakeApi, logs: list[EventDict]) -> None:
    server.fail(403, "list", SLICES, times=5)
    cluster.follow()
    await cluster.says("10.0.0.1")
    error = next(line for line in logs if line["log_level"] == "error")
    assert error["service"] == "default/web"
    assert error["error"].startswith("not allowed to list endpointslices in namespace default; add to a Role there: "
                                     '{apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: [')


async def test_missing_service_is_reported_and_waited_for(
        cluster: Cluster, server: FakeApi, logs: list[EventDict]) -> None:
    server.delete("services", "web")
    cluster.follow()
    await until(lambda: server.watched(*BOTH))
    assert [line["error"] for line in logs] == [
        "Service default/web does not exist; create it, or name another one"]
    server.put("services", service())
    await cluster.says("10.0.0.1")


async def test_service_that_is_deleted_takes_no_endpoint_away(
        cluster: Cluster, server: FakeApi, logs: list[EventDict]) -> None:
    await settle(cluster, server)
    server.delete("services", "web")
    await until(lambda: bool(logs))
    await change_is_seen(cluster, server)


async def test_rotated_token_is_read_again(cluster: Cluster, server: FakeApi) -> None:
    server.token = cluster.token = "first"
    await settle(cluster, server)
    server.token = cluster.token = "second"
    server.say(END)
    await until(lambda: server.count("watch", SLICES) == 3 and server.watched(*BOTH))
    await change_is_seen(cluster, server)


async def test_wait_that_the_server_asks_for_is_known(cluster: Cluster, server: FakeApi) -> None:
    server.fail(429, retry_after=7)
    async with await Api.connect(cluster.load) as connection:
        with pytest.raises(ApiRefusedError) as failure:
            await connection.get("/api/v1/namespaces/default/services", {})
    assert failure.value.retry_after == 7


async def test_nothing_secret_is_logged(cluster: Cluster, server: FakeApi, logs: list[EventDict]) -> None:
    cluster.token = "s3cr3t"
    server.token = "another"
    cluster.follow()
    await until(lambda: server.count("list", SLICES) >= 2)
    assert logs
    assert "s3cr3t" not in str(logs)
