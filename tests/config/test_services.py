"""What is wrong with services in a file, alone or with each other."""

from collections.abc import Callable

import pytest

Refusal = Callable[..., str]

WEB = "services:\n  - listen: 127.0.0.1:80\n"
NO_SERVICE = ("there is no service; write --listen ADDRESS and --backend ADDRESS "
              "(or --service NAMESPACE/NAME), or list services: in a --config FILE")
TAKEN = "write another address or port"

BAD_SERVICES = {
    "no-services": ("workers: 2\n", f"lbproxy.yaml: {NO_SERVICE}"),
    "empty-mapping": ("{}\n", f"lbproxy.yaml: {NO_SERVICE}"),
    "empty-list": ("workers: 2\nservices: []\n", f"lbproxy.yaml:2: services: {NO_SERVICE}"),
    "services-are-text": (
        "services: web\n", ("lbproxy.yaml:1: services: 'web' is not allowed here; "
        "write a list, each item with listen: and backends:")),
    "services-are-a-mapping": (
        "services:\n  web: {listen: 127.0.0.1:80}\n", ("lbproxy.yaml:1: services: a mapping is not allowed here; "
        "write a list, each item with listen: and backends:")),
    "service-is-text": (
        "services:\n  - 127.0.0.1:80\n", ("lbproxy.yaml:2: services[0]: '127.0.0.1:80' is not allowed here; "
        "write a list, each item with listen: and backends:")),
    "no-listen": (
        "services:\n  - name: web\n", ("lbproxy.yaml:2: services[0].listen: is missing; "
        "write an address, such as 127.0.0.1:8080, or a list of them")),
    "empty-listen": (
        "services:\n  - name: web\n    listen: []\n", ("lbproxy.yaml:3: services[0].listen: is empty; "
        "write an address, such as 127.0.0.1:8080, or a list of them")),
    "listen-is-a-mapping": (
        "services:\n  - listen: {port: 80}\n", ("lbproxy.yaml:2: services[0].listen: a mapping is not allowed here; "
        "write an address, such as 127.0.0.1:8080, or a list of them")),
    "second-listen-bad": (
        "services:\n  - listen:\n      - 127.0.0.1:80\n      - 127.0.0.1\n",
        ("lbproxy.yaml:4: services[0].listen[1]: '127.0.0.1' is not ADDRESS:PORT, "
        "such as 127.0.0.1:8080 or [::1]:8080")),
    "backends-are-a-mapping": (
        f"{WEB}    backends: {{a: b}}\n", ("lbproxy.yaml:3: services[0].backends: a mapping is not allowed here; "
        "write a list of addresses or names, such as 127.0.0.1:9001 or db.internal:5432")),
    "backend-is-a-list": (
        f"{WEB}    backends: [[]]\n", ("lbproxy.yaml:3: services[0].backends[0]: a list is not allowed here; "
        "write a list of addresses or names, such as 127.0.0.1:9001 or db.internal:5432")),
    "backend-without-address": (
        f"{WEB}    backends:\n      - weight: 3\n", ("lbproxy.yaml:4: services[0].backends[0]: names no backend; "
        "write address:, or name: and port:")),
    "weight-in-text": (
        f"{WEB}    backends:\n      - 127.0.0.1:1\n      - 127.0.0.1:2,weight=300\n",
        "lbproxy.yaml:5: services[0].backends[1].weight: 300 is out of range; write a number from 0 to 100"),
    "weight-in-key": (
        f"{WEB}    backends:\n      - 127.0.0.1:1\n      - address: 127.0.0.1:2\n        weight: 300\n",
        "lbproxy.yaml:6: services[0].backends[1].weight: 300 is out of range; write a number from 0 to 100"),
    "backend-key": (
        f"{WEB}    backends:\n      - adress: 127.0.0.1:1\n",
        "lbproxy.yaml:4: services[0].backends[0].adress: unknown key; did you mean address?"),
    "service-key": (
        f"{WEB}    backend: 127.0.0.1:1\n", ("lbproxy.yaml:3: services[0].backend: unknown key; "
        "did you mean backends?")),
    "process-key-in-service": (
        f"{WEB}    workers: 3\n", ("lbproxy.yaml:3: services[0].workers: is an option of the whole process; "
        "write it at the top of the file")),
    "service-key-at-top": (
        f"listen: 127.0.0.1:80\n{WEB}", ("lbproxy.yaml:1: listen: belongs to a service; "
        "write it inside services:")),
    "unknown-key": (
        f"wokers: 3\n{WEB}", "lbproxy.yaml:1: wokers: unknown key; did you mean workers?"),
    "underscore": (
        f"max_conns: 3\n{WEB}", "lbproxy.yaml:1: max_conns: unknown key; did you mean max-conns?"),
    "underscore-in-service": (
        f"{WEB}    queue_timeout: 3s\n", ("lbproxy.yaml:3: services[0].queue_timeout: unknown key; "
        "did you mean queue-timeout?")),
    "field-that-is-no-option": (
        f"config-file: x\n{WEB}", "lbproxy.yaml:1: config-file: unknown key; see lbproxy run --help"),
    "hostile-key": (
        f'"\\e[31m\\n": 3\n{WEB}', r"lbproxy.yaml:1: '\x1b[31m\n': unknown key; see lbproxy run --help"),
    "hostile-key-in-service": (
        f'{WEB}    "\\e[31m\\n": 3\n',
        r"lbproxy.yaml:3: services[0].'\x1b[31m\n': unknown key; see lbproxy run --help"),
    "option-of-service": (
        f"{WEB}    queue-timeout: 3\n", ("lbproxy.yaml:3: services[0].queue-timeout: "
        "3 has no unit; write 3s or 3ms")),
    "name": (
        f"{WEB}    name: Web 1\n", ("lbproxy.yaml:3: services[0].name: 'Web 1' is not a name; "
        "write up to 63 of a-z, 0-9 and -, such as web-2")),
    "long-name": (
        f"{WEB}    name: {'a' * 64}\n", (f"lbproxy.yaml:3: services[0].name: '{'a' * 60}…' is not a name; "
        "write up to 63 of a-z, 0-9 and -, such as web-2")),
    "same-name": (
        "services:\n  - {listen: 127.0.0.1:80, name: web}\n  - {listen: 127.0.0.1:81, name: web}\n",
        "lbproxy.yaml:3: services[1].name: web is the name of services[0] too; write another name"),
    "same-name-as-a-derived-one": (
        "services:\n  - {listen: 127.0.0.1:80, name: 127-0-0-1-81}\n  - listen: 127.0.0.1:81\n",
        "lbproxy.yaml:3: services[1].name: 127-0-0-1-81 is the name of services[0] too; write another name"),
    "same-listen": (
        "services:\n  - {listen: 127.0.0.1:80, name: a}\n  - {listen: ['[::1]:80', 127.0.0.1:80], name: b}\n",
        f"lbproxy.yaml:3: services[1].listen[1]: 127.0.0.1:80 is taken by service a (127.0.0.1:80); {TAKEN}"),
    "same-listen-spelled-otherwise": (
        "services:\n  - {listen: '[::1]:80', name: a}\n  - {listen: '[0:0::0:1]:080', name: b}\n",
        f"lbproxy.yaml:3: services[1].listen[0]: [::1]:80 is taken by service a ([::1]:80); {TAKEN}"),
    "wildcard-after": (
        "services:\n  - {listen: 10.0.0.1:80, name: a}\n  - {listen: 0.0.0.0:80, name: b}\n",
        f"lbproxy.yaml:3: services[1].listen[0]: 0.0.0.0:80 is taken by service a (10.0.0.1:80); {TAKEN}"),
    "wildcard-before": (
        "services:\n  - {listen: '[::]:80', name: a}\n  - {listen: '[fd00::1]:80', name: b}\n",
        f"lbproxy.yaml:3: services[1].listen[0]: [fd00::1]:80 is taken by service a ([::]:80); {TAKEN}"),
    "admin": (
        "services:\n  - listen: 127.0.0.1:80\nadmin: 127.0.0.1:80\n",
        ("lbproxy.yaml:2: services[0].listen[0]: 127.0.0.1:80 is taken by the admin server (127.0.0.1:80); "
        f"{TAKEN}")),
    "admin-by-default": (
        "services:\n  - listen: 0.0.0.0:9180\n",
        ("lbproxy.yaml:2: services[0].listen[0]: 0.0.0.0:9180 is taken by the admin server (127.0.0.1:9180); "
        f"{TAKEN}")),
    "same-backend": (
        f"{WEB}    backends:\n      - 127.0.0.1:1\n      - 127.0.0.1:2\n      - 127.0.0.1:1\n",
        "lbproxy.yaml:6: services[0].backends[2]: 127.0.0.1:1 is given twice; remove one"),
    "own-listen-as-backend": (
        f"{WEB}    backends: 127.0.0.1:80\n",
        ("lbproxy.yaml:3: services[0].backends[0]: 127.0.0.1:80 is where this service listens; "
        "write another address")),
    "several": (
        "services:\n  - listen: x:80\n    backends: [y:80, 127.0.0.1:1]\n    queue: -1\nworkers: 0\nwokers: 1\n",
        ("lbproxy.yaml:2: services[0].listen[0]: 'x:80': 'x' is not an IP address; "
        "write one, such as 127.0.0.1:8080 or [::1]:8080 (and 3 more)")),
    "several-contradictions": (
        "scheduler: sh\nservices:\n  - {listen: 127.0.0.1:80}\n  - {listen: 127.0.0.1:80}\n",
        ("lbproxy.yaml:1: scheduler: the userspace dataplane has no sh; write lc, wlc, rr or wrr, or --dataplane=ipvs "
        "(and 2 more)")),
}


@pytest.mark.parametrize(("content", "line"), BAD_SERVICES.values(), ids=BAD_SERVICES.keys())
def test_bad_service_is_refused_with_its_line(content: str, line: str, refusal_of_file: Refusal) -> None:
    assert refusal_of_file(content) == line


@pytest.mark.parametrize(("given", "origin"), [
    (({"listen": ("127.0.0.1:81",)}, {}), "--listen"),
    (({"backend": ("127.0.0.1:81",)}, {}), "--backend"),
    (({}, {"LBPROXY_LISTEN": "127.0.0.1:81", "LBPROXY_BACKEND": "127.0.0.1:82"}), "LBPROXY_LISTEN"),
])
def test_services_in_a_file_and_one_on_the_command_line_contradict(
        given: tuple[dict[str, object], dict[str, str]], origin: str, refusal: Refusal,
        write: Callable[[str], object]) -> None:
    assert refusal(*given, write(WEB)) == (
        f"{origin}: lbproxy.yaml lists services too; remove {origin}, or services: from the file")
