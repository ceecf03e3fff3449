"""Services whose backends are those of a Service in Kubernetes."""

from collections.abc import Callable

import pytest

from lbproxy.config import Config, load
from lbproxy.model.snapshot import ServiceSpec
from lbproxy.sources.base import Reference
from lbproxy.sources.configured import wanted_services
from lbproxy.sources.fixed import FixedBackends
from lbproxy.sources.kubernetes.reference import KubernetesPort

Refusal = Callable[..., str]
Load = Callable[[str], Config]
NOT_A_SERVICE = "is not NAMESPACE/NAME of a Service, such as default/web"
NOT_A_PORT = "is not a port of a Service; write its name, such as http, or its number, from 1 to 65535"
LISTEN = {"listen": ("127.0.0.1:80",)}
WEB = "services:\n  - listen: 127.0.0.1:80\n"


def only(config: Config) -> ServiceSpec:
    spec, = config.specs().values()
    return spec


def reference(config: Config) -> Reference:
    wanted, = wanted_services(config).values()
    return wanted.references[0]


@pytest.mark.parametrize(("text", "target"), [
    ("default/web", KubernetesPort("default", "web")),
    ("default/web:http", KubernetesPort("default", "web", "http")),
    ("team-1/web-2:80", KubernetesPort("team-1", "web-2", 80)),
    ("default/web:8080-tcp", KubernetesPort("default", "web", "8080-tcp")),
])
def test_service_on_the_command_line_is_the_one_in_the_file(text: str, target: KubernetesPort, load_file: Load) -> None:
    from_option = load({**LISTEN, "service": text}, {}, None)
    from_variable = load({}, {"LBPROXY_LISTEN": "127.0.0.1:80", "LBPROXY_SERVICE": text}, None)
    from_file = load_file(f"{WEB}    kubernetes: {text}\n")
    assert only(from_option) == only(from_variable) == only(from_file)
    assert reference(from_option) == target


def test_port_is_a_key_of_its_own(load_file: Load) -> None:
    config = load_file(f"{WEB}    kubernetes: {{service: default/web, port: 80}}\n")
    assert reference(config) == KubernetesPort("default", "web", 80)


def test_service_is_called_as_in_kubernetes_unless_it_has_a_name(load_file: Load) -> None:
    assert only(load_file(f"{WEB}    kubernetes: default/api\n")).name == "api"
    assert only(load_file(f"{WEB}    kubernetes: default/api\n    name: shop\n")).name == "shop"


def test_endpoints_are_not_known_before_somebody_has_said_them(load_file: Load) -> None:
    config = load_file(f"{WEB}    kubernetes: default/api\n  - {{listen: 127.0.0.1:81, backends: [127.0.0.1:1]}}\n")
    assert [(wanted.spec.is_known, isinstance(wanted.references[0], FixedBackends))
            for wanted in wanted_services(config).values()] == [(False, False), (True, True)]


def test_what_is_shown_has_the_same_effect(load_file: Load) -> None:
    for kubernetes in ("default/web", "default/web:http", "{service: default/web, port: 80}"):
        config = load_file(f"zone: eu-1a\n{WEB}    kubernetes: {kubernetes}\n")
        again = load_file(config.to_yaml())
        assert again.specs() == config.specs()
        assert again.zone == "eu-1a"


def test_an_empty_variable_is_no_zone() -> None:
    """The downward API gives one for a label that the pod doesn't have."""
    config = load({**LISTEN, "service": "default/web"}, {"LBPROXY_ZONE": "", "LBPROXY_SERVICE_HOST": "10.0.0.1"}, None)
    assert config.zone == ""


@pytest.mark.parametrize(("text", "line"), [
    ("web", f"'web' {NOT_A_SERVICE}"),
    ("web:http", f"'web' {NOT_A_SERVICE}"),
    ("/web", f"'/web' {NOT_A_SERVICE}"),
    ("a/b/c", f"'a/b/c' {NOT_A_SERVICE}"),
    ("Default/web", f"'Default/web' {NOT_A_SERVICE}"),
    ("default/..", f"'default/..' {NOT_A_SERVICE}"),
    ("default/web?x=1", f"'default/web?x=1' {NOT_A_SERVICE}"),
    ("default/" + "a" * 64, f"'default/{'a' * 52}…' {NOT_A_SERVICE}"),
])
def test_bad_name_is_refused_at_its_place(text: str, line: str, refusal: Refusal, refusal_of_file: Refusal) -> None:
    assert refusal({**LISTEN, "service": text}) == f"--service: service: {line}"
    assert refusal_of_file(f"{WEB}    kubernetes:\n      service: {text.partition(':')[0]}\n") == (
        f"lbproxy.yaml:4: services[0].kubernetes.service: {line}")


@pytest.mark.parametrize("port", ["0", "65536", "-1", "HTTP", "a_b", "http:80", "123456"])
def test_bad_port_is_refused_at_its_place(port: str, refusal: Refusal) -> None:
    assert refusal({**LISTEN, "service": f"default/web:{port}"}) == f"--service: port: {port!r} {NOT_A_PORT}"


@pytest.mark.parametrize(("content", "line"), [
    ("kubernetes: [a]", ("lbproxy.yaml:3: services[0].kubernetes: a list is not allowed here; "
                        "write a Service, such as default/web, or {service: default/web, port: http}")),
    ("kubernetes: {}", ("lbproxy.yaml:3: services[0].kubernetes.service: is missing; "
                       "write NAMESPACE/NAME of a Service, such as default/web")),
    ("kubernetes: {servce: default/web}", ("lbproxy.yaml:3: services[0].kubernetes.servce: unknown key; "
                                          "did you mean service? (and 1 more)")),
    ("kubernetes: default/web\n    backends: 127.0.0.1:1",
     ("lbproxy.yaml:3: services[0].kubernetes: names a Service, and backends: lists addresses; "
     "remove one of the two")),
])
def test_bad_kubernetes_part_is_refused_with_its_line(content: str, line: str, refusal_of_file: Refusal) -> None:
    assert refusal_of_file(f"{WEB}    {content}\n") == line


def test_kubernetes_at_the_top_of_the_file_is_told_where_it_belongs(refusal_of_file: Refusal) -> None:
    assert refusal_of_file(f"kubernetes: default/web\n{WEB}") == (
        "lbproxy.yaml:1: kubernetes: belongs to a service; write it inside services:")


@pytest.mark.parametrize(("options", "line"), [
    ({"service": "default/web"}, "--service: is not enough on its own; add --listen ADDRESS"),
    ({**LISTEN, "backend": ("127.0.0.1:1",), "service": "default/web"},
     "--service: gives the backends, as --backend does; remove one"),
    ({"backend": ("127.0.0.1:1",), "service": "default/web"},
     "--service: gives the backends, as --backend does; remove one"),
    ({**LISTEN, "service": "default/web", "zone": "eu 1"},
     "--zone: 'eu 1' is not a zone; write a value of the label topology.kubernetes.io/zone"),
    ({**LISTEN, "service": "default/web", "coalesce": "2m"},
     "--coalesce: 2m is out of range; write a duration from 0s to 1m"),
])
def test_bad_options_are_refused(options: dict[str, object], line: str, refusal: Refusal) -> None:
    assert refusal(options) == line
