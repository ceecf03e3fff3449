"""Which servers and options the client takes from resolv.conf, and what it does when that file is bad."""

from pathlib import Path

import pytest
from structlog.typing import EventDict

from lbproxy.model.address import Address
from lbproxy.sources.dns.answer import MAX_TARGETS, DnsError, SrvRecord, preferred
from lbproxy.sources.dns.dns_client import DnsClient
from tests.support.dns_server import LyingServer

from .dns_kit import answer, move, write


@pytest.mark.parametrize(("lines", "reason"), [
    (None, "can't be used"), ([], "can't be used"), (["options ndots:2"], "can't be used"),
    (["nameserver 192.0.2.1", "search a..b"], "can't be used"),
], ids=["no file", "empty", "no server", "bad search list"])
async def test_resolv_conf_that_is_of_no_use_is_an_error_that_names_it(
        resolv_conf: Path, lines: list[str] | None, reason: str) -> None:
    if lines is None:
        move(resolv_conf, resolv_conf.with_suffix(".away"))
    else:
        write(resolv_conf, *lines)
    with pytest.raises(DnsError, match=reason) as error:
        await DnsClient(resolv_conf).lookup("db.test")
    assert str(resolv_conf) in str(error.value)


async def test_resolv_conf_that_becomes_bad_is_passed_over(
        resolv_conf: Path, liar: LyingServer, logs: list[EventDict]) -> None:
    liar.udp = lambda question: answer(question, "db.test. 60 IN A 10.0.0.1").to_wire()
    client = DnsClient(resolv_conf, [liar.address])
    before = await client.lookup("db.test")
    write(resolv_conf, "search a..b")
    assert await client.lookup("db.test") == await client.lookup("db.test") == before
    assert [line["event"] for line in logs] == ["resolv.conf can't be used, going on with what it said"]


async def test_second_server_is_asked_when_the_first_fails(resolv_conf: Path, liar: LyingServer) -> None:
    other = await LyingServer().start()
    other.udp = lambda _: b"\x00" * 3
    liar.udp = lambda question: answer(question, "db.test. 60 IN A 10.0.0.1").to_wire()
    found = await DnsClient(resolv_conf, [other.address, liar.address]).lookup("db.test")
    assert [record.host for record in found.records] == ["10.0.0.1"]
    assert other.asked
    await other.close()


async def test_shortest_ttl_on_the_way_counts(resolv_conf: Path, liar: LyingServer) -> None:
    records = ["db.test. 7 IN CNAME a.test.", "a.test. 60 IN A 10.0.0.1", "a.test. 90 IN AAAA fd00::1"]
    liar.udp = lambda question: answer(question, *records).to_wire()
    found = await DnsClient(resolv_conf, [liar.address]).lookup("db.test")
    assert (len(found.records), found.ttl) == (2, 7)


async def test_name_that_the_search_list_makes_too_long_is_asked_for_as_it_is(
        resolv_conf: Path, liar: LyingServer) -> None:
    write(resolv_conf, f"search {'.'.join(['a' * 63] * 3)}", "options ndots:9")
    name = f"{'b' * 63}.{'c' * 60}"
    liar.udp = lambda question: answer(question, f"{name}. 60 IN A 10.0.0.1").to_wire()
    found = await DnsClient(resolv_conf, [liar.address]).lookup(name)
    assert [record.host for record in found.records] == ["10.0.0.1"]


@pytest.mark.parametrize(("weights", "scaled"), [
    ([0, 0], [1, 1]), ([0, 5], [1, 5]), ([100, 1], [100, 1]), ([65535, 1, 32768], [100, 1, 50]),
    ([200, 100], [100, 50]),
])
def test_srv_weights_come_to_our_scale(weights: list[int], scaled: list[int]) -> None:
    records = [SrvRecord(1, weight, 1000 + number, "a.test.") for number, weight in enumerate(weights)]
    assert {record.port: record.weight for record in preferred(records)} == {
        1000 + number: weight for number, weight in enumerate(scaled)}


def test_srv_records_are_limited_in_number_and_those_without_port_or_host_are_none() -> None:
    many = [SrvRecord(1, 1, port, "a.test.") for port in range(1, 500)]
    assert len(preferred(many)) == MAX_TARGETS
    assert preferred([SrvRecord(0, 0, 0, "."), SrvRecord(0, 0, 0, "a.test.")]) == []
    assert preferred([SrvRecord(0, 0, 0, "."), SrvRecord(9, 2, 80, "a.test.")]) == [SrvRecord(9, 2, 80, "a.test.")]


async def test_servers_of_resolv_conf_are_asked_at_the_port_of_dns(resolv_conf: Path) -> None:
    write(resolv_conf, "nameserver 192.0.2.1", "nameserver fd00::53", "options ndots:3 timeout:4")
    resolver = DnsClient(resolv_conf)._current()
    assert [str(server) for server in resolver.nameservers] == ["192.0.2.1", "fd00::53"]
    assert (resolver.port, resolver.ndots, resolver.timeout) == (53, 3, 4)
    own = DnsClient(resolv_conf, [Address("127.0.0.1", 5353)])._current()
    assert [str(server) for server in own.nameservers] == ["Do53:127.0.0.1@5353"]
