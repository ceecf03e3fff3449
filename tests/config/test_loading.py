"""What is right: precedence, what services inherit, and the configuration in effect."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from lbproxy.config import BackendConfig, Config, Loader, ServiceConfig, load
from lbproxy.config.option_names import option, variable
from lbproxy.config.options import OPTIONS
from lbproxy.model.address import Address
from lbproxy.model.errors import ConfigError
from lbproxy.model.snapshot import Endpoint, HealthPolicy, Policy, Scheduler, ServiceSpec

EXAMPLE = Path(__file__).parents[2] / "deploy" / "lbproxy.example.yaml"
ONE = {"listen": ("127.0.0.1:80",), "backend": ("127.0.0.1:9001", "[::1]:9002,weight=2")}
WEB = "services:\n  - {listen: 127.0.0.1:80, name: web}\n"

LoadFile = Callable[[str], Config]
Write = Callable[[str], Path]


def test_defaults_are_the_documented_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    config = load(ONE, {}, None)
    assert config.model_dump(exclude={"services", "config_file"}) == {
        "dataplane": "userspace", "workers": 1, "admin": (Address("127.0.0.1", 9180),), "admin_token_file": "",
        "admin_hosts": "", "shutdown_delay": 5.0,
        "log_level": "info", "log_format": "auto", "scheduler": "wlc", "max_conns": 0, "queue": 1024,
        "queue_timeout": 5.0, "connect_timeout": 2.0, "connect_retries": 2, "idle_timeout": 3600.0,
        "half_close_timeout": 60.0, "drain_timeout": 60.0, "health_interval": 2.0, "health_timeout": 2.0,
        "health_rise": 2, "health_fall": 2, "kubeconfig": "", "context": "", "zone": "", "coalesce": 0.05,
        "dns_interval": 0.0, "dns_server": (),
        "ipvs_fwmark": None, "cleanup": False,
    }
    assert config.config_file is None


def test_defaults_of_options_and_of_the_model_agree() -> None:
    assert load(ONE, {}, None).specs()["default"].policy == Policy()


def test_listen_and_backend_make_one_service_called_default() -> None:
    spec = ServiceSpec("default", (Address("127.0.0.1", 80),),
                       (Endpoint(Address("127.0.0.1", 9001)), Endpoint(Address("::1", 9002), weight=2)))
    assert load(ONE, {}, None).specs() == {"default": spec}


def test_variables_separate_addresses_by_white_space() -> None:
    environment = {"LBPROXY_LISTEN": " 127.0.0.1:80\n", "LBPROXY_BACKEND": "127.0.0.1:9001\t[::1]:9002,weight=2"}
    assert load({}, environment, None) == load(ONE, {}, None)


@pytest.mark.parametrize("name", [name for name in OPTIONS if name != "dataplane"])
def test_every_option_may_be_given_in_all_three_ways(name: str, write: Write) -> None:
    words = {"scheduler": "rr", "admin": "off", "log_level": "error", "log_format": "json", "cleanup": "on",
             "dns_server": "127.0.0.1:5353"}
    text = words.get(name) or ("7s" if isinstance(OPTIONS[name].default, float) else "7")
    both = f"dataplane: auto\n{WEB}"
    from_option = load({name: text}, {}, write(both))
    from_variable = load({}, {variable(name): text}, write(both))
    from_file = load({}, {}, write(f"{option(name).removeprefix('--')}: {text}\n{both}"))
    assert from_option == from_variable == from_file
    assert getattr(from_file, name) != getattr(load({"workers": "3"}, {}, write(WEB)), name)


@pytest.mark.parametrize(("options", "environment", "content", "queue"), [
    ({"queue": "1"}, {"LBPROXY_QUEUE": "2"}, "queue: 3\n", 1),
    ({}, {"LBPROXY_QUEUE": "2"}, "queue: 3\n", 2),
    ({}, {}, "queue: 3\n", 3),
    ({}, {}, "", 1024),
    ({"queue": "1"}, {}, "queue: nonsense\n", 1),
])
def test_option_beats_variable_beats_file_beats_default(
        options: dict[str, object], environment: dict[str, str], content: str, queue: int, write: Write) -> None:
    config = load(options, environment, write(content + WEB))
    assert config.queue == config.specs()["web"].policy.queue == queue


def test_service_beats_even_an_option_and_only_for_itself(write: Write) -> None:
    path = write("services:\n  - {name: a, listen: 127.0.0.1:1, queue: 1024, health-rise: 5}\n"
                 "  - {name: b, listen: 127.0.0.1:2}\n")
    config = load({"queue": "9", "health_fall": "8"}, {}, path)
    policies = {name: spec.policy for name, spec in config.specs().items()}
    assert (policies["a"].queue, policies["b"].queue, config.queue) == (1024, 9, 9)
    assert (policies["a"].health, policies["b"].health) == (
        HealthPolicy(rise=5, fall=8), HealthPolicy(rise=2, fall=8))


def test_path_beats_the_variable(write: Write) -> None:
    path = write(WEB)
    assert load({}, {"LBPROXY_CONFIG": "nowhere.yaml"}, path).config_file == path
    assert load({}, {"LBPROXY_CONFIG": str(path)}, None).config_file == path


def test_file_without_services_goes_with_listen_and_backend(write: Write) -> None:
    assert load(ONE, {}, write("queue: 5\nservices: []\n")).specs()["default"].policy.queue == 5


@pytest.mark.parametrize("off", ["off", "OFF", "false", "False", '"off"'])
def test_admin_is_off_however_a_yaml_tool_writes_it(off: str, load_file: LoadFile) -> None:
    assert load_file(f"admin: {off}\n{WEB}").admin == ()


@pytest.mark.parametrize(("text", "address"), [
    ("'[::]:9180'", Address("::", 9180)), ("0.0.0.0:1", Address("0.0.0.0", 1)),
    ("'[2001:DB8:0::1]:0443'", Address("2001:db8::1", 443)),
])
def test_addresses_are_read_in_canonical_form(text: str, address: Address, load_file: LoadFile) -> None:
    assert load_file(f"admin: {text}\n{WEB}").admin == (address,)


@pytest.mark.parametrize(("listen", "name"), [
    ("127.0.0.1:80", "127-0-0-1-80"), ("0.0.0.0:443", "0-0-0-0-443"), ("[::]:80", "z-80"),
    ("[::1]:80", "z-1-80"), ("[1::]:80", "1-z-80"), ("[fd00::1:2]:5432", "fd00-z-1-2-5432"),
    ("[1:2:3:4:5:6:7:8]:80", "1-2-3-4-5-6-7-8-80"),
])
def test_nameless_service_is_named_after_its_lowest_address(listen: str, name: str, load_file: LoadFile) -> None:
    content = f'services:\n  - listen: ["{listen}", "[fd99::1]:9"]\n'
    assert list(load_file(content).specs()) == [name]


@pytest.mark.parametrize("name", ["a", "0", "web-2", "null", "007", "x" * 63])
def test_dns_labels_are_names(name: str, load_file: LoadFile) -> None:
    assert list(load_file(f"services:\n  - {{listen: 127.0.0.1:80, name: '{name}'}}\n").specs()) == [name]


def test_addresses_that_do_not_overlap_may_stand_together(load_file: LoadFile) -> None:
    listen = "[0.0.0.0:80, '[::]:80', 127.0.0.1:81, 127.0.0.2:81, '[::1]:81', 0.0.0.0:9181, '[::1]:9180']"
    content = f"services:\n  - {{name: a, listen: {listen}, backends: [127.0.0.1:80000]}}\n".replace("80000", "82")
    assert len(load_file(content).services[0].listen) == 7


def test_backend_of_one_service_may_be_another_services_listener(load_file: LoadFile) -> None:
    load_file("services:\n  - {name: a, listen: 127.0.0.1:1, backends: 127.0.0.1:2}\n"
              "  - {name: b, listen: 127.0.0.1:2, backends: [127.0.0.1:3, '[::1]:2']}\n")


def test_backends_read_as_text_or_as_keys(load_file: LoadFile) -> None:
    backends = "[127.0.0.1:1, '127.0.0.1:2, weight = 0', {address: '[::1]:3', weight: 100}, {address: 127.0.0.1:4}]"
    service = load_file(f"services:\n  - {{listen: 127.0.0.1:80, backends: {backends}}}\n").services[0]
    assert [(str(backend.address), backend.weight) for backend in service.backends] == [
        ("127.0.0.1:1", 1), ("127.0.0.1:2", 0), ("[::1]:3", 100), ("127.0.0.1:4", 1)]


def test_service_without_backends_is_allowed_in_a_file(load_file: LoadFile) -> None:
    assert load_file(WEB).specs()["web"].endpoints == ()


def test_byte_order_mark_and_windows_line_ends_are_read(load_file: LoadFile) -> None:
    assert load_file("\ufeff" + WEB.replace("\n", "\r\n")) == load_file(WEB)


RICH = """\
admin: off
workers: auto
idle-timeout: 0
half-close-timeout: 1h2m3s4ms
services:
  - name: "123"
    listen: ["[::]:80", 0.0.0.0:80]
    backends: [127.0.0.1:1, "[::1]:2,weight=0"]
    scheduler: wrr
    max-conns: 7
    queue: 1024
  - listen: 127.0.0.1:81
"""


@pytest.mark.parametrize("content", [WEB, RICH, EXAMPLE.read_text()])
def test_effective_configuration_has_the_same_effect(content: str, load_file: LoadFile) -> None:
    config = load_file(content)
    again = load_file(config.to_yaml())
    assert (again, again.specs()) == (config, config.specs())
    assert again.to_yaml() == config.to_yaml()


def test_effective_configuration_has_the_same_effect_under_the_same_options(write: Write) -> None:
    options = {"queue": "9", "admin": "off"}
    config = load(options, {}, write(RICH))
    assert load(options, {}, write(config.to_yaml())).specs() == config.specs()


def test_effective_configuration_is_written_as_people_write_it(load_file: LoadFile) -> None:
    lines = load_file(RICH + "    drain-timeout: 90s\n").to_yaml().splitlines()
    assert {"admin: off", "idle-timeout: 0s", "half-close-timeout: 1h2m3s4ms", "scheduler: wlc"} <= set(lines)
    assert lines[lines.index("services:"):] == [
        "services:",
        "  - name: '123'", "    listen:", "      - '[::]:80'", "      - 0.0.0.0:80",
        "    backends:", "      - 127.0.0.1:1", "      - '[::1]:2,weight=0'",
        "    scheduler: wrr", "    max-conns: 7", "    queue: 1024",
        "  - name: 127-0-0-1-81", "    listen:", "      - 127.0.0.1:81", "    backends: []",
        "    drain-timeout: 1m30s",
    ]


def test_example_file_is_valid_and_says_what_it_shows() -> None:
    specs = load({}, {}, EXAMPLE).specs()
    assert list(specs) == ["web", "pods", "postgres"]
    assert not specs["pods"].is_known
    assert specs["postgres"].endpoints[0] == Endpoint(Address("10.0.0.21", 5432), weight=3)
    assert (specs["postgres"].policy.scheduler, specs["postgres"].policy.idle_timeout) == (Scheduler.WLC, 0.0)


def test_loader_reads_the_file_anew_under_the_same_options(write: Write) -> None:
    loader = Loader({"queue": "9"}, {"LBPROXY_WORKERS": "3"}, write(WEB))
    before = loader.load()
    write(WEB.replace("web", "shop") + "queue: 1\n")
    after = loader.load()
    assert (list(before.specs()), list(after.specs())) == (["web"], ["shop"])
    assert (after.queue, after.workers) == (9, 3)
    write("queue: 1")
    with pytest.raises(ConfigError, match=r"^lbproxy\.yaml: there is no service"):
        loader.load()


def test_configuration_is_immutable() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load(ONE, {}, None).workers = 3  # type: ignore[misc]  # that it can't be assigned is what is tested


def test_configuration_can_be_made_without_text() -> None:
    service = ServiceConfig(listen=(Address("127.0.0.1", 0),), name="web",
                            backends=(BackendConfig(address=Address("127.0.0.1", 1)),))
    config = Config(services=(service,), workers=1, admin=(), connect_timeout=0.1)
    assert config.specs()["web"].policy == Policy(connect_timeout=0.1)
