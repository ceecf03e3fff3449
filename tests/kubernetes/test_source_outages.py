"""A long outage of the API server: what was published stays, requests are few, and the present state follows."""

import pytest
from aiohttp import web
from structlog.typing import EventDict

from lbproxy.sources.kubernetes.client import api, watch
from tests.support.fake_api import END, FakeApi, Fault, Request, status
from tests.support.objects import LEAVING, a_slice, endpoint
from tests.support.waiting import until

from .clock import Clock
from .conftest import Cluster

SLICES = "endpointslices"
BOTH = (SLICES, "services")
WATCHES = len(BOTH)
TEN_MINUTES = 600.0
FIRST_WAIT, LONGEST_WAIT = watch.FIRST_WAIT, watch.LONGEST_WAIT
LONGER_THAN_ALL = 2 * max(watch.RELIST_INTERVAL, *watch.WATCH_SECONDS, api.LIST_TIMEOUT, api.SILENCE)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, cluster: Cluster) -> Clock:
    """Waits have their real lengths, and end at once."""
    assert not cluster.said
    monkeypatch.setattr(watch, "FIRST_WAIT", FIRST_WAIT)
    monkeypatch.setattr(watch, "LONGEST_WAIT", LONGEST_WAIT)
    return Clock(monkeypatch)


@pytest.fixture
async def settled(cluster: Cluster, server: FakeApi, clock: Clock) -> Cluster:
    """It has published once, and watches."""
    cluster.follow()
    await cluster.says("10.0.0.1")
    await until(lambda: server.watched(*BOTH))
    assert clock.waits == []
    return cluster


def replace_all_pods(server: FakeApi) -> None:
    """Leave none of the pods, and no version to resume from."""
    server.put(SLICES, a_slice(endpoint("10.0.0.7"), endpoint("10.0.0.8"), name="web-7"))
    server.delete(SLICES, "web-1")
    server.forget()


async def test_errors_for_ten_minutes_change_nothing_and_bring_few_requests(
        settled: Cluster, server: FakeApi, clock: Clock, logs: list[EventDict]) -> None:
    before = len(server.requests)
    server.fail(500)
    server.say(END)
    await until(lambda: clock.monotonic() > WATCHES * TEN_MINUTES)
    assert len(server.requests) - before < WATCHES * (TEN_MINUTES / (LONGEST_WAIT / 2) + 10)
    assert (settled.backends(), len(settled.said)) == (["10.0.0.1"], 1)
    assert settled.metric("lbproxy_watch_up") == 0
    assert sorted(str(line["resource"]) for line in logs) == [*BOTH]
    replace_all_pods(server)
    server.faults.clear()
    await settled.says("10.0.0.7", "10.0.0.8")
    assert len(settled.said) == 2


async def test_api_gone_for_longer_than_every_timeout_while_all_pods_are_replaced(
        settled: Cluster, server: FakeApi, clock: Clock) -> None:
    await server.stop()
    await until(lambda: clock.monotonic() > WATCHES * LONGER_THAN_ALL)
    replace_all_pods(server)
    assert (settled.backends(), len(settled.said)) == (["10.0.0.1"], 1)
    await server.start()
    await settled.says("10.0.0.7", "10.0.0.8")
    assert len(settled.said) == 2, "never empty, never half of it"


async def test_deletes_in_a_short_gap_are_seen_when_the_watch_is_resumed(
        settled: Cluster, server: FakeApi) -> None:
    server.put(SLICES, a_slice(endpoint("10.0.0.2"), name="web-2"))
    await settled.says("10.0.0.1", "10.0.0.2")
    server.fail(503, "watch", times=4)
    server.reset()
    await until(lambda: not server.streams)
    server.delete(SLICES, "web-1")
    await settled.says("10.0.0.2")
    assert server.count("list", SLICES) == 1


async def test_pod_that_left_and_came_back_in_the_gap_is_what_it_is_now(settled: Cluster, server: FakeApi) -> None:
    server.fail(503, "watch", times=4)
    server.reset()
    await until(lambda: not server.streams)
    server.put(SLICES, a_slice(endpoint("10.0.0.1", LEAVING), endpoint("10.0.0.2")))
    server.put(SLICES, a_slice(endpoint("10.0.0.1"), endpoint("10.0.0.2")))
    await settled.says("10.0.0.1", "10.0.0.2")
    assert all(found.is_ready for found in settled.said[-1]["web"].endpoints)


@pytest.mark.parametrize("verb", ["list", "watch"])
async def test_server_that_asks_for_a_wait_is_not_asked_before_it(
        settled: Cluster, server: FakeApi, clock: Clock, verb: str) -> None:
    server.fail(429, verb, SLICES, times=2, retry_after=77)
    if verb == "list":
        server.fail(410, "watch", SLICES, times=1)
    server.say(END, SLICES)
    await until(lambda: clock.waits.count(77) == 2 and server.watched(*BOTH))
    server.put(SLICES, a_slice(endpoint("10.0.0.2")))
    await settled.says("10.0.0.2")


async def test_list_that_never_ends_is_given_up_and_asked_for_again(
        settled: Cluster, server: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "LIST_TIMEOUT", 0.05)
    server.hang("list", SLICES, times=2)
    server.fail(410, "watch", SLICES, times=1)
    server.say(END, SLICES)
    await until(lambda: server.count("list", SLICES) == 4 and server.watched(*BOTH))
    assert len(settled.said) == 1


async def test_watch_that_is_never_answered_is_given_up(
        settled: Cluster, server: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "SILENCE", 0.05)
    server.hang("watch", SLICES, times=2)
    server.say(END, SLICES)
    await until(lambda: server.count("watch", SLICES) >= 4)
    server.put(SLICES, a_slice(endpoint("10.0.0.2")))
    await settled.says("10.0.0.2")


async def test_list_that_expires_between_two_pages_starts_over(
        cluster: Cluster, server: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "PAGE_SIZE", 2)
    for number in range(2, 6):
        server.put(SLICES, a_slice(endpoint(f"10.0.0.{number}"), name=f"web-{number}"))
    server.faults.append(second_page_expires_once())
    cluster.follow()
    await cluster.says(*(f"10.0.0.{number}" for number in range(1, 6)))
    assert server.count("list", SLICES) == 2 + 3
    assert all(len(said["web"].endpoints) == 5 for said in cluster.said)


def second_page_expires_once() -> Fault:
    left = [410]

    def fault(request: Request) -> web.Response | None:
        if "continue" in request.query and left:
            return web.json_response(status(410, "Expired"), status=left.pop())
        return None
    return fault
