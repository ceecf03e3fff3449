"""Backends that are DNS names."""

from collections.abc import Callable

import pytest

from lbproxy.config import Config, load
from lbproxy.model.address import Address
from lbproxy.model.snapshot import Endpoint
from lbproxy.sources.base import Reference
from lbproxy.sources.configured import wanted_services
from lbproxy.sources.dns.reference import DnsName
from lbproxy.sources.fixed import FixedBackends

Refusal = Callable[..., str]
Load = Callable[[str], Config]
LISTEN = {"listen": ("127.0.0.1:80",)}
WEB = "services:\n  - listen: 127.0.0.1:80\n"
NO_NAME = "is not a DNS name; write one such as db.internal, or _postgres._tcp.db.internal for SRV records"

TWO_PLACES = ": has an address, and a name or port too; write address:, or name: and port:"


def references(config: Config) -> list[Reference]:
    wanted, = wanted_services(config).values()
    return [one for one in wanted.references if isinstance(one, DnsName)]


@pytest.mark.parametrize(("text", "keys", "name"), [
    ("db.internal:5432", "{name: db.internal, port: 5432}", DnsName("db.internal", 5432, 1)),
    ("DB.internal.:5432", "{name: db.internal., port: '5432'}", DnsName("db.internal.", 5432, 1)),
    ("db:5432,weight=2", "{name: db, port: 5432, weight: 2}", DnsName("db", 5432, 2)),
    ("db:5432,weight=1", "{name: db, port: 5432, weight: 1}", DnsName("db", 5432, 1)),
    ("_postgres._tcp.db.internal", "{name: _postgres._tcp.db.internal}", DnsName("_postgres._tcp.db.internal")),
    ("_pg._tcp.db,weight=0", "{name: _pg._tcp.db, weight: 0}", DnsName("_pg._tcp.db", weight=0)),
    ("1password.example:1", "{name: 1password.example, port: 1}", DnsName("1password.example", 1, 1)),
])
def test_name_on_the_command_line_is_the_one_in_the_file(
        text: str, keys: str, name: DnsName, load_file: Load) -> None:
    from_option = load({**LISTEN, "backend": (text,)}, {}, None)
    from_variable = load({}, {"LBPROXY_LISTEN": "127.0.0.1:80", "LBPROXY_BACKEND": text}, None)
    from_file = load_file(f"{WEB}    backends: ['{text}']\n")
    from_keys = load_file(f"{WEB}    backends: [{keys}]\n")
    for config in (from_option, from_variable, from_file, from_keys):
        assert references(config) == [name]
        assert [spec.is_known for spec in config.specs().values()] == [False]


@pytest.mark.parametrize("backends", [
    "[127.0.0.1:1, 'db.internal:5432', {name: db.internal, port: 5433, weight: 2}, _pg._tcp.db]",
    "['_pg._tcp.db,weight=1', '_x._tcp.db,weight=3']", "'db:1,weight=1'",
])
def test_what_is_shown_has_the_same_effect(backends: str, load_file: Load) -> None:
    config = load_file(f"dns-interval: 2s\ndns-server: '[::1]:53'\n{WEB}    backends: {backends}\n")
    again = load_file(config.to_yaml())
    assert references(again) == references(config)
    assert again.specs() == config.specs()
    assert (again.dns_interval, again.dns_server) == (2.0, (Address("::1", 53),))


def test_addresses_and_names_stand_in_one_list(load_file: Load) -> None:
    config = load_file(f"{WEB}    backends: ['db:1', 127.0.0.1:2, 'db:3']\n")
    wanted, = wanted_services(config).values()
    fixed, *names = wanted.references
    assert isinstance(fixed, FixedBackends)
    assert fixed.endpoints == wanted.spec.endpoints == (Endpoint(Address("127.0.0.1", 2)),)
    assert names == [DnsName("db", 1, 1), DnsName("db", 3, 1)]


@pytest.mark.parametrize(("text", "line"), [
    ("db.internal", "db.internal needs a port; write it as db.internal:80"),
    ("_pg._tcp.db:80", "_pg._tcp.db has the ports of its SRV records; remove the port"),
    ("db:http", "port: 'http' is not a number; write a number from 1 to 65535"),
    ("db:0", "port: 0 is out of range; write a number from 1 to 65535"),
    ("db:", "port: '' is not a number; write a number from 1 to 65535"),
    ("localhost:80", "name: localhost is not looked up in DNS; write 127.0.0.1 or [::1]"),
    ("web.localhost.:80", "name: web.localhost. is not looked up in DNS; write 127.0.0.1 or [::1]"),
    ("_pg._udp.db", f"name: '_pg._udp.db' {NO_NAME}"),
    ("_pg.db:80", f"name: '_pg.db' {NO_NAME}"),
    (f"{'a.' * 127}bc:1", f"name: '{('a.' * 127)[:60]}…' {NO_NAME}"),
    ("a_b:1", "address: 'a_b:1': 'a_b' is not an IP address; write one, such as 127.0.0.1:8080 or [::1]:8080"),
    ("10.0.0.300:1", ("address: '10.0.0.300:1': '10.0.0.300' is not an IP address; "
                      "write one, such as 127.0.0.1:8080 or [::1]:8080")),
])
def test_bad_name_is_refused(text: str, line: str, refusal: Refusal) -> None:
    assert refusal({**LISTEN, "backend": (text,)}) == f"--backend: {line}"


@pytest.mark.parametrize(("backend", "line"), [
    ("{name: db..internal, port: 1}", f".name: 'db..internal' {NO_NAME}"),
    ("{name: -db, port: 1}", f".name: '-db' {NO_NAME}"),
    ("{name: '*.db', port: 1}", f".name: '*.db' {NO_NAME}"),
    ("{name: 10.0.0.1, port: 1}", f".name: '10.0.0.1' {NO_NAME}"),
    ("{name: bücher.example, port: 1}", f".name: 'bücher.example' {NO_NAME}"),
    (f"{{name: {'a' * 64}, port: 1}}", f".name: '{'a' * 60}…' {NO_NAME}"),
    ("{port: 1}", ": names no backend; write address:, or name: and port:"),
    ("{address: 127.0.0.1:1, port: 1}", TWO_PLACES),
    ("{address: 127.0.0.1:1, name: db}", TWO_PLACES),
])
def test_bad_name_is_refused_with_its_line(backend: str, line: str, refusal_of_file: Refusal) -> None:
    assert refusal_of_file(f"{WEB}    backends:\n      - {backend}\n") == (
        f"lbproxy.yaml:4: services[0].backends[0]{line}")


def test_name_that_stands_twice_is_refused(refusal: Refusal) -> None:
    assert refusal({**LISTEN, "backend": ("db:1", "db:2", "DB:1,weight=3")}) == (
        "--backend: db:1 is given twice; remove one")


def test_listen_address_is_no_name(refusal: Refusal) -> None:
    assert refusal({"listen": ("web.internal:80",), "backend": ("db:1",)}) == (
        "--listen: 'web.internal:80': 'web.internal' is not an IP address; "
        "write one, such as 127.0.0.1:8080 or [::1]:8080")


def test_ipvs_takes_names_whose_addresses_nobody_knows_yet() -> None:
    load({"listen": ("[::1]:80",), "backend": ("db:1", "10.0.0.1:1"), "dataplane": "ipvs"}, {}, None)
