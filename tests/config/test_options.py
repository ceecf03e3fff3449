"""What is wrong with one option's value, wherever it is given."""

from collections.abc import Callable

import pytest

from lbproxy.config import load
from lbproxy.config.options import OPTIONS, kind_of
from lbproxy.model.address import Address

Refusal = Callable[..., str]

GOOD = {"listen": ("127.0.0.1:80",), "backend": ("127.0.0.1:9001",)}
ALONE = "is not enough on its own; add --backend ADDRESS or --service NAMESPACE/NAME"
EXAMPLES = "such as 127.0.0.1:8080 or [::1]:8080"

BAD_VALUES = [
    ("workers", "0", "0 is out of range; write a number from 1 to 256, or auto"),
    ("workers", "257", "257 is out of range; write a number from 1 to 256, or auto"),
    ("workers", "many", "'many' is not a number; write a number from 1 to 256, or auto"),
    ("workers", "1.5", "'1.5' is not a number; write a number from 1 to 256, or auto"),
    ("max_conns", "-1", "-1 is out of range; write a number from 0 to 1000000"),
    ("max_conns", "1e3", "'1e3' is not a number; write a number from 0 to 1000000"),
    ("max_conns", "1_000", "'1_000' is not a number; write a number from 0 to 1000000"),
    ("max_conns", "٣", "'٣' is not a number; write a number from 0 to 1000000"),
    ("queue", "1000001", "1000001 is out of range; write a number from 0 to 1000000"),
    ("queue", "9" * 5000, f"'{'9' * 60}…' is not a number; write a number from 0 to 1000000"),
    ("connect_retries", "101", "101 is out of range; write a number from 0 to 100"),
    ("health_rise", "0", "0 is out of range; write a number from 1 to 100"),
    ("health_fall", "x", "'x' is not a number; write a number from 1 to 100"),
    ("connect_timeout", "5", "5 has no unit; write 5s or 5ms"),
    ("connect_timeout", "0", "0 is out of range; write a duration from 1ms to 10m"),
    ("connect_timeout", "11m", "11m is out of range; write a duration from 1ms to 10m"),
    ("connect_timeout", "-2s", "'-2s' is not a duration; write one such as 500ms, 2s or 1h30m"),
    ("queue_timeout", "0s", "0s is out of range; write a duration from 1ms to 1h"),
    ("idle_timeout", "721h", "721h is out of range; write a duration from 0s to 720h"),
    ("half_close_timeout", "0", "0 is out of range; write a duration from 1ms to 24h"),
    ("drain_timeout", "soon", "'soon' is not a duration; write one such as 500ms, 2s or 1h30m"),
    ("shutdown_delay", "2h", "2h is out of range; write a duration from 0s to 1h"),
    ("health_interval", "2h", "2h is out of range; write a duration from 0s to 1h"),
    ("health_timeout", "0ms", "0ms is out of range; write a duration from 1ms to 10m"),
    ("scheduler", "lcc", "'lcc' is unknown; write lc, wlc, rr, wrr, sh, mh, sed or nq"),
    ("scheduler", "LC", "'LC' is unknown; write lc, wlc, rr, wrr, sh, mh, sed or nq"),
    ("dataplane", "ebpf", "'ebpf' is unknown; write ipvs, userspace or auto"),
    ("ipvs_fwmark", "one", ("'one' is not a firewall mark; write off, or a number, with a mask if others use "
                            "marks too, such as 0x10000/0xff0000")),
    ("ipvs_fwmark", "0", "0x0 is out of range; marks are 1 to 0xffffffff"),
    ("ipvs_fwmark", "0x3/0x4", ("0x3 has bits outside of the mask 0x4; write a number within the mask, such as "
                                "0x10000/0xff0000")),
    ("cleanup", "maybe", "'maybe' is not on or off; write on or off"),
    ("log_level", "warn", "'warn' is unknown; write debug, info, warning or error"),
    ("log_format", "xml", "'xml' is unknown; write auto, text or json"),
    ("log_format", "\x1b[31mred\n", r"'\x1b[31mred\n' is unknown; write auto, text or json"),
    ("log_format", "x" * 100, f"'{'x' * 60}…' is unknown; write auto, text or json"),
    ("admin", "on", f"'on' is not ADDRESS:PORT, {EXAMPLES}"),
    ("admin", "9180", f"'9180' is not ADDRESS:PORT, {EXAMPLES}"),
]


def kebab(name: str) -> str:
    return name.replace("_", "-")


@pytest.mark.parametrize(("name", "value", "text"), BAD_VALUES)
def test_bad_value_is_refused_under_the_name_it_was_given_by(
        name: str, value: str, text: str, refusal: Refusal) -> None:
    assert refusal(GOOD | {name: value}) == f"--{kebab(name)}: {text}"
    assert refusal(GOOD, {f"LBPROXY_{name.upper()}": value}) == f"LBPROXY_{name.upper()}: {text}"


@pytest.mark.parametrize(("name", "value", "text"), [
    bad for bad in BAD_VALUES if bad[1].isprintable()])
def test_bad_value_is_refused_with_its_line_in_the_file(
        name: str, value: str, text: str, refusal_of_file: Refusal) -> None:
    content = f"services:\n  - listen: 127.0.0.1:80\n{kebab(name)}: {value}\n"
    assert refusal_of_file(content) == f"lbproxy.yaml:3: {kebab(name)}: {text}"


@pytest.mark.parametrize(("name", "lowest", "highest"), [
    ("workers", "1", "256"), ("shutdown_delay", "0", "1h"), ("max_conns", "0", "1000000"), ("queue", "0", "1000000"),
    ("queue_timeout", "1ms", "1h"), ("connect_timeout", "1ms", "10m"), ("connect_retries", "0", "100"),
    ("idle_timeout", "0", "720h"), ("half_close_timeout", "1ms", "24h"), ("drain_timeout", "0", "24h"),
    ("health_interval", "0", "1h"), ("health_timeout", "1ms", "10m"), ("health_rise", "1", "100"),
    ("health_fall", "1", "100"),
])
def test_range_has_these_ends(name: str, lowest: str, highest: str, refusal: Refusal) -> None:
    low, high = (getattr(load(GOOD | {name: text}, {}, None), name) for text in (lowest, highest))
    step = 0.001 if isinstance(low, float) else 1
    for beyond in (low - step, high + step):
        assert " is out of range; write a " in refusal(GOOD | {name: beyond})


def test_value_of_another_type_is_refused_in_a_file(refusal_of_file: Refusal) -> None:
    services = "services:\n  - listen: 127.0.0.1:80\n"
    assert refusal_of_file(f"{services}queue: [1]\n") == (
        "lbproxy.yaml:3: queue: a list is not a number; write a number from 0 to 1000000")
    assert refusal_of_file(f"{services}scheduler: {{a: b}}\n") == (
        "lbproxy.yaml:3: scheduler: a mapping is unknown; write lc, wlc, rr, wrr, sh, mh, sed or nq")
    assert refusal_of_file(f"{services}idle-timeout: [1s]\n") == (
        "lbproxy.yaml:3: idle-timeout: a list is not a duration; write a duration from 0s to 720h")
    assert refusal_of_file(f"{services}admin: {{a: b}}\n") == (
        f"lbproxy.yaml:3: admin: a mapping is not ADDRESS:PORT, {EXAMPLES}")


BAD_ADDRESSES = [
    ("", f"'' is not ADDRESS:PORT, {EXAMPLES}"),
    ("8080", f"'8080' is not ADDRESS:PORT, {EXAMPLES}"),
    (":8080", f"':8080' is not ADDRESS:PORT, {EXAMPLES}"),
    ("::1:8080", f"'::1:8080' is not ADDRESS:PORT, {EXAMPLES}"),
    ("[fe80::1%eth0]:80", f"'[fe80::1%eth0]:80' is not ADDRESS:PORT, {EXAMPLES}"),
    ("010.0.0.1:80", ("'010.0.0.1:80': '010.0.0.1' is not an IP address; "
                     f"write one, {EXAMPLES}")),
    ("[[::1]]:80", ("'[[::1]]:80': '[::1]' is not an IP address; "
                   f"write one, {EXAMPLES}")),
    ("127.0.0.1:0", "'127.0.0.1:0': port '0' is not a number from 1 to 65535"),
    ("127.0.0.1:65536", "'127.0.0.1:65536': port '65536' is not a number from 1 to 65535"),
    ("127.0.0.1:http", "'127.0.0.1:http': port 'http' is not a number from 1 to 65535"),
    ("127.0.0.1:-1", "'127.0.0.1:-1': port '-1' is not a number from 1 to 65535"),
    ("127.0.0.1:\u0668\u0660", "'127.0.0.1:\u0668\u0660': port '\u0668\u0660' is not a number from 1 to 65535"),
    ("\x1b]0;x\x07:80", (r"'\x1b]0;x\x07:80': '\x1b]0;x\x07' is not an IP address; "
                       f"write one, {EXAMPLES}")),
    ("1" * 1000 + ":80", f"'{'1' * 60}…' is not ADDRESS:PORT, {EXAMPLES}"),
    ("224.0.0.1:80", f"224.0.0.1:80 is a multicast address; write a unicast one, {EXAMPLES}"),
    ("[ff02::1]:80", f"[ff02::1]:80 is a multicast address; write a unicast one, {EXAMPLES}"),
    ("[::ffff:10.0.0.1]:80", "this is 10.0.0.1 in IPv6 form; write 10.0.0.1:80"),
]


@pytest.mark.parametrize("option", ["listen", "admin", "dns_server"])
def test_name_is_no_address_of_ours_or_of_a_server(option: str, refusal: Refusal) -> None:
    assert refusal(GOOD | {option: ("localhost:80",)}) == (
        f"--{option.replace('_', '-')}: 'localhost:80': 'localhost' is not an IP address; write one, {EXAMPLES}")


@pytest.mark.parametrize(("address", "text"), BAD_ADDRESSES)
def test_bad_address_is_refused(address: str, text: str, refusal: Refusal) -> None:
    assert refusal(GOOD | {"listen": (address,)}) == f"--listen: {text}"
    assert refusal(GOOD | {"backend": (address,)}) == f"--backend: address: {text}"
    assert refusal(GOOD | {"admin": address}) == f"--admin: {text}"


@pytest.mark.parametrize(("backend", "text"), [
    ("127.0.0.1:1,weight=300", "weight: 300 is out of range; write a number from 0 to 100"),
    ("127.0.0.1:1,weight=-1", "weight: -1 is out of range; write a number from 0 to 100"),
    ("127.0.0.1:1,weight=", "weight: '' is not a number; write a number from 0 to 100"),
    ("127.0.0.1:1,weigth=3", "weigth: unknown key; did you mean weight?"),
    ("127.0.0.1:1,3", "'127.0.0.1:1,3' is not ADDRESS,weight=N, such as 127.0.0.1:9001,weight=2"),
    ("127.0.0.1:1,", "'127.0.0.1:1,' is not ADDRESS,weight=N, such as 127.0.0.1:9001,weight=2"),
    ("127.0.0.1:1,weight=1,weight=2",
     "'127.0.0.1:1,weight=1,weight=2' is not ADDRESS,weight=N, such as 127.0.0.1:9001,weight=2"),
    ("0.0.0.0:1", f"address: 0.0.0.0:1 is not the address of one host; write the backend's own address, {EXAMPLES}"),
    ("[::]:1", f"address: [::]:1 is not the address of one host; write the backend's own address, {EXAMPLES}"),
    ("127.0.0.1:80", "127.0.0.1:80 is where this service listens; write another address"),
])
def test_bad_backend_is_refused(backend: str, text: str, refusal: Refusal) -> None:
    assert refusal(GOOD | {"backend": ("127.0.0.1:9001", backend)}) == f"--backend: {text}"
    assert refusal({}, {"LBPROXY_LISTEN": "127.0.0.1:80", "LBPROXY_BACKEND": backend}) == (
        f"LBPROXY_BACKEND: {text}")


def test_unknown_variable_is_refused(refusal: Refusal) -> None:
    assert refusal(GOOD, {"LBPROXY_CONECT_TIMEOUT": "1s"}) == (
        "LBPROXY_CONECT_TIMEOUT: unknown environment variable; did you mean LBPROXY_CONNECT_TIMEOUT?")
    assert refusal(GOOD, {"LBPROXY_XYZZY": "1"}) == (
        "LBPROXY_XYZZY: unknown environment variable; see lbproxy run --help")
    assert refusal(GOOD, {"LBPROXY_SERVICES": "1"}).startswith("LBPROXY_SERVICES: unknown environment variable")
    assert refusal(GOOD, {"LBPROXY_\x1b[31m": "1"}).startswith(r"LBPROXY_\x1b[31m: unknown environment variable")


def test_unknown_option_is_refused(refusal: Refusal) -> None:
    assert refusal(GOOD | {"qeue": "1"}) == "--qeue: unknown option; did you mean --queue?"


@pytest.mark.parametrize("name", [
    "LBPROXY_SERVICE_HOST", "LBPROXY_SERVICE_PORT", "LBPROXY_SERVICE_PORT_HTTP", "LBPROXY_PORT",
    "LBPROXY_PORT_80_TCP", "LBPROXY_PORT_80_TCP_ADDR", "LBPROXY_PORT_80_TCP_PORT", "LBPROXY_PORT_80_TCP_PROTO",
    "LBPROXY_ADMIN_SERVICE_HOST", "LBPROXY_ADMIN_PORT_9180_TCP",
])
def test_variables_that_kubernetes_sets_for_a_service_called_lbproxy_are_not_ours(name: str) -> None:
    assert load(GOOD, {name: "tcp://10.0.0.1:80"}, None) == load(GOOD, {}, None)


def test_empty_and_foreign_variables_count_as_not_set() -> None:
    environment = {"LBPROXY_QUEUE": "", "LBPROXY_LISTEN": " ", "LBPROXY_CONFIG": "", "QUEUE": "7", "lbproxy_x": "1"}
    assert load(GOOD, environment, None) == load(GOOD, {}, None)


@pytest.mark.parametrize(("options", "environment", "line"), [
    ({}, {}, ("there is no service; write --listen ADDRESS and --backend ADDRESS "
             "(or --service NAMESPACE/NAME), or list services: in a --config FILE")),
    ({"listen": ("127.0.0.1:80",)}, {}, f"--listen: {ALONE}"),
    ({"backend": ("127.0.0.1:80",)}, {}, "--backend: is not enough on its own; add --listen ADDRESS"),
    ({}, {"LBPROXY_LISTEN": "127.0.0.1:80"}, f"LBPROXY_LISTEN: {ALONE}"),
    (GOOD | {"listen": ("127.0.0.1:80", "127.0.0.1:80")}, {},
     "--listen: 127.0.0.1:80 is taken by service default (127.0.0.1:80); write another address or port"),
    (GOOD | {"listen": ("127.0.0.1:80", "0.0.0.0:80")}, {},
     "--listen: 0.0.0.0:80 is taken by service default (127.0.0.1:80); write another address or port"),
    (GOOD | {"backend": ("127.0.0.1:81", "127.0.0.1:81,weight=2")}, {},
     "--backend: 127.0.0.1:81 is given twice; remove one"),
    (GOOD | {"listen": ("127.0.0.1:9180",)}, {},
     "--listen: 127.0.0.1:9180 is taken by the admin server (127.0.0.1:9180); write another address or port"),
    (GOOD | {"admin": "0.0.0.0:80"}, {},
     "--listen: 127.0.0.1:80 is taken by the admin server (0.0.0.0:80); write another address or port"),
    (GOOD | {"listen": ("0.0.0.0:80",), "backend": ("127.0.0.5:80",)}, {},
     "--backend: 127.0.0.5:80 is where this service listens; write another address"),
])
def test_contradiction_is_refused(
        options: dict[str, object], environment: dict[str, str], line: str, refusal: Refusal) -> None:
    assert refusal(options, environment) == line


def test_first_mistake_is_reported_with_the_number_of_the_others(refusal: Refusal) -> None:
    wrong = {"workers": "0", "queue": "x", "admin": "on"}
    assert refusal(GOOD | wrong) == (
        "--queue: 'x' is not a number; write a number from 0 to 1000000 (and 2 more)")


def test_values_of_the_right_type_are_taken_as_they_are() -> None:
    config = load({"listen": [Address("127.0.0.1", 0)], "backend": "127.0.0.1:1", "workers": 3, "admin": False,
                   "connect_timeout": 0.25}, {}, None)
    assert (config.workers, config.admin, config.connect_timeout) == (3, (), 0.25)
    assert config.services[0].listen == (Address("127.0.0.1", 0),)


@pytest.mark.parametrize(("name", "value"), [
    ("workers", True), ("workers", 2.0), ("connect_timeout", True), ("connect_timeout", float("nan")),
    ("admin", True), ("scheduler", 1),
])
def test_values_of_a_wrong_type_are_refused(name: str, value: object, refusal: Refusal) -> None:
    assert refusal(GOOD | {name: value}).startswith(f"--{kebab(name)}: ")


@pytest.mark.parametrize(("given", "shown"), [
    ("unix:/run/lb.sock", "unix:/run/lb.sock"), (" 127.0.0.1:1 , unix:lb.sock", "127.0.0.1:1,unix:lb.sock"),
    (("[::1]:1", "unix:/a"), "[::1]:1,unix:/a"), (["unix:/a"], "unix:/a"), (("off",), "off"), ([], "off"),
])
def test_admin_may_be_an_address_a_unix_socket_or_both(given: object, shown: str) -> None:
    config = load(GOOD | {"admin": given}, {}, None) if given else load(GOOD, {"LBPROXY_ADMIN": "off"}, None)
    assert kind_of(OPTIONS["admin"]).show(config.admin) == shown


@pytest.mark.parametrize(("given", "line"), [
    ("unix:", "'unix:' is not the path of a socket; write unix:/PATH, such as unix:/run/lbproxy.sock"),
    ("unix:/run/", "'unix:/run/' is not the path of a socket; write unix:/PATH, such as unix:/run/lbproxy.sock"),
    ("unix:/a\x00b", r"'unix:/a\x00b' is not the path of a socket; write unix:/PATH, such as unix:/run/lbproxy.sock"),
    ("unix:/" + "x" * 107, f"'unix:/{'x' * 54}…' is too long for a socket; write a path of 107 bytes or less"),
    ("127.0.0.1:1,127.0.0.2:1", "127.0.0.1:1 and 127.0.0.2:1 are too many; write one address and one unix:PATH"),
    (("unix:/a", "unix:/b"), "unix:/a and unix:/b are too many; write one address and one unix:PATH"),
    ("off,127.0.0.1:1", f"'off' is not ADDRESS:PORT, {EXAMPLES}"),
])
def test_bad_places_of_the_admin_server_are_refused(given: object, line: str, refusal: Refusal) -> None:
    assert refusal(GOOD | {"admin": given}) == f"--admin: {line}"


@pytest.mark.parametrize("hosts", ["a b", "a,", ",a", "-a", "a/b", "a:1", "x" * 254, "ü"])
def test_bad_names_of_the_admin_server_are_refused(hosts: str, refusal: Refusal) -> None:
    assert refusal(GOOD | {"admin_hosts": hosts}).startswith("--admin-hosts: ")
