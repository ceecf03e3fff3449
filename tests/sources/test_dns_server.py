"""Backends by name, resolved at a real DNS server that changes, is restarted and is killed."""

from pathlib import Path

import pytest
from structlog.typing import EventDict

from lbproxy.model.address import Address
from lbproxy.model.snapshot import Endpoint
from lbproxy.sources.dns import dns_client
from lbproxy.sources.dns.reference import DnsName
from lbproxy.sources.fixed import FixedBackends
from tests.support.dns_server import DnsServer, needs_dnsmasq
from tests.support.waiting import until

from .dns_kit import Names, write

pytestmark = needs_dnsmasq


async def test_every_address_of_both_families_is_a_backend(names: Names, server: DnsServer) -> None:
    await server.has(db="10.0.0.2 10.0.0.1 fd00::1")
    names.follow("db.test")
    await names.says("10.0.0.1:80", "10.0.0.2:80", "[fd00::1]:80")
    assert names.is_known
    assert {one.origin for one in names.said[-1]["web"].endpoints} == {"dns db.test"}


async def test_change_of_the_record_is_published(names: Names, server: DnsServer) -> None:
    names.follow("db.test")
    await names.says("10.0.0.1:80")
    await server.has(db="10.0.0.2 fd00::2")
    await names.says("10.0.0.2:80", "[fd00::2]:80")
    await server.has(db="fd00::2")
    await names.says("[fd00::2]:80")


async def test_name_is_asked_for_again_when_its_record_expires(server: DnsServer, resolv_conf: Path) -> None:
    names = Names(resolv_conf, server.address, interval=0)
    names.follow("db.test")
    await names.says("10.0.0.1:80")
    await server.has(db="10.0.0.2")
    await names.says("10.0.0.2:80")
    await names.close()


async def test_addresses_in_another_order_are_no_news(names: Names) -> None:
    """dnsmasq rotates them."""
    names.follow("db.test")
    await names.says("10.0.0.1:80")
    await names.counted("answered", 5)
    assert len([said for said in names.said if said["web"].is_known]) == 1


async def test_unknown_name_is_an_answer_but_no_backend(names: Names, logs: list[EventDict]) -> None:
    names.follow("nothing.test")
    await names.counted("empty", 3, "nothing.test")
    assert not names.is_known
    assert not names.merger.waits_for()
    assert [(line["event"], line["name"], line["error"]) for line in logs] == [
        ("name can't be resolved, keeping its last known addresses", "nothing.test",
         "the name does not exist, or has no address")]


async def test_name_that_is_removed_keeps_its_backends_until_it_is_back(
        names: Names, server: DnsServer, logs: list[EventDict]) -> None:
    names.follow("db.test")
    await names.says("10.0.0.1:80")
    await server.has(other="10.0.0.9")
    await names.counted("empty", 2)
    assert (names.backends(), names.is_known, names.up()) == (["10.0.0.1:80"], True, 0)
    await server.has(db="10.0.0.2")
    await names.says("10.0.0.2:80")
    assert names.up() == 1
    assert [line["log_level"] for line in logs] == ["error", "info"]


async def test_killed_server_takes_nothing_away(names: Names, server: DnsServer, logs: list[EventDict],
                                                monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns_client, "QUERY_TIMEOUT", 0.2)
    names.follow("db.test")
    await names.says("10.0.0.1:80")
    await server.kill()
    await names.counted("timeout", 3)
    assert (names.backends(), names.is_known, names.up()) == (["10.0.0.1:80"], True, 0)
    assert [line["error"] for line in logs] == ["A of db.test: no answer within 0.2 s"]
    await server.has(db="10.0.0.3")
    await server.start()
    await names.says("10.0.0.3:80")


async def test_cname_is_followed(server: DnsServer, resolv_conf: Path) -> None:
    await server.kill()
    await server.start("--cname=alias.test,other.test,db.test")
    names = Names(resolv_conf, server.address)
    names.follow("alias.test")
    await names.says("10.0.0.1:80")
    await names.close()


async def test_srv_records_say_ports_and_weights_of_the_most_preferred_group(
        server: DnsServer, resolv_conf: Path) -> None:
    await server.has(a="10.0.0.1", b="10.0.0.2 fd00::2", c="10.0.0.3")
    await server.kill()
    await server.start("--srv-host=_pg._tcp.test,a.test,5432,1,10", "--srv-host=_pg._tcp.test,b.test,5433,1,20",
                       "--srv-host=_pg._tcp.test,c.test,5434,2,30")
    names = Names(resolv_conf, server.address)
    names.follow("_pg._tcp.test")
    await names.says("10.0.0.1:5432,10", "10.0.0.2:5433,20", "[fd00::2]:5433,20")
    names.follow(DnsName("_pg._tcp.test", weight=7))
    await names.says("10.0.0.1:5432,7", "10.0.0.2:5433,7", "[fd00::2]:5433,7")
    await names.close()


async def test_search_list_completes_a_name(names: Names, server: DnsServer, resolv_conf: Path) -> None:
    write(resolv_conf, "nameserver 192.0.2.1", "search nothing.test test")
    await server.has(db="10.0.0.7")
    names.follow("db")
    await names.says("10.0.0.7:80")


async def test_search_list_comes_first_for_names_of_few_dots(
        names: Names, server: DnsServer, resolv_conf: Path, tmp_path: Path) -> None:
    write(resolv_conf, "search test", "options ndots:2")
    write(tmp_path / "hosts", "10.0.0.8 db.test.test", "10.0.0.9 db.test")
    await server.kill()
    await server.start()
    names.follow("db.test")
    await names.says("10.0.0.8:80")
    names.follow("db.test.")
    await names.says("10.0.0.9:80")


async def test_resolv_conf_is_read_again_when_it_changes(names: Names, server: DnsServer, resolv_conf: Path) -> None:
    await server.has(db="10.0.0.1")
    names.follow("db")
    await names.counted("empty", name="db")
    write(resolv_conf, "search test")
    await names.says("10.0.0.1:80")


async def test_names_and_addresses_make_one_service(names: Names, server: DnsServer) -> None:
    await server.has(db="10.0.0.1", more="10.0.0.2 10.0.0.1")
    fixed = FixedBackends((Endpoint(Address("10.0.0.9", 80)),))
    names.follow(fixed, "more.test", "db.test")
    await names.says("10.0.0.9:80", "10.0.0.1:80", "10.0.0.2:80")


async def test_two_ports_of_a_name_are_one_lookup(names: Names) -> None:
    names.follow("db.test", DnsName("db.test", 81))
    await names.says("10.0.0.1:80", "10.0.0.1:81")
    await names.counted("answered", 2)


async def test_name_that_nobody_wants_any_more_is_forgotten(names: Names) -> None:
    names.follow("db.test")
    await names.says("10.0.0.1:80")
    names.follow()
    await names.says()
    await until(lambda: names.up() is None)
    names.follow("db.test")
    await names.says("10.0.0.1:80")
    assert names.up() == 1


async def test_hundreds_of_names_are_resolved(names: Names, server: DnsServer) -> None:
    count = 300
    await server.has(**{f"n{number}": f"10.1.{number // 250}.{number % 250}" for number in range(count)})
    names.follow(*(f"n{number}.test" for number in range(count)))
    await until(lambda: len(names.backends()) == count)
