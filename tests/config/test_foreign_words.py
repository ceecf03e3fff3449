"""Words of other balancers get ours."""

from collections.abc import Callable

import pytest

from lbproxy.config.foreign_words import our_key, our_scheduler
from lbproxy.config.option_names import KNOWN, kebab
from lbproxy.config.services import BackendConfig, ServiceConfig
from lbproxy.model.snapshot import Scheduler

Refusal = Callable[..., str]
WEB = "services:\n  - listen: 127.0.0.1:80\n"
OF_SERVICE = "an option of the service, for all its backends; write it beside listen:, or as an option of lbproxy run"


@pytest.mark.parametrize(("content", "line"), [
    (f"maxconn: 3\n{WEB}", "1: maxconn: unknown key; lbproxy calls it max-conns"),
    (f"balance: leastconn\n{WEB}", "1: balance: unknown key; lbproxy calls it scheduler"),
    (f"timeout connect: 3s\n{WEB}", "1: 'timeout connect': unknown key; lbproxy calls it connect-timeout"),
    (f"worker_processes: 3\n{WEB}", "1: worker_processes: unknown key; lbproxy calls it workers"),
    (f"upstream: x\n{WEB}",
     "1: upstream: unknown key; lbproxy calls it backends, and has it in each item of services:"),
    (f"bind: x\n{WEB}", "1: bind: unknown key; lbproxy calls it listen, and has it in each item of services:"),
    (f"{WEB}    server: 127.0.0.1:1\n", "3: services[0].server: unknown key; lbproxy calls it backends"),
    (f"{WEB}    real_server: 127.0.0.1:1\n", "3: services[0].real_server: unknown key; lbproxy calls it backends"),
    (f"{WEB}    lb_algo: wlc\n", "3: services[0].lb_algo: unknown key; lbproxy calls it scheduler"),
    (f"{WEB}    lb_policy: wlc\n", "3: services[0].lb_policy: unknown key; lbproxy calls it scheduler"),
    (f"{WEB}    max_connections: 1\n", "3: services[0].max_connections: unknown key; lbproxy calls it max-conns"),
    (f"{WEB}    nbthread: 1\n", ("3: services[0].nbthread: unknown key; lbproxy calls it workers, an option of the "
                                "whole process; write it at the top of the file")),
    (f"{WEB}    scheduler: leastconn\n", "3: services[0].scheduler: 'leastconn' is unknown; lbproxy calls it wlc"),
    (f"{WEB}    scheduler: least_conn\n", "3: services[0].scheduler: 'least_conn' is unknown; lbproxy calls it wlc"),
    (f"{WEB}    scheduler: LEAST_REQUEST\n",
     "3: services[0].scheduler: 'LEAST_REQUEST' is unknown; lbproxy calls it wlc"),
    (f"{WEB}    scheduler: roundrobin\n", "3: services[0].scheduler: 'roundrobin' is unknown; lbproxy calls it wrr"),
])
def test_word_of_another_balancer_gets_ours(content: str, line: str, refusal_of_file: Refusal) -> None:
    assert refusal_of_file(content) == f"lbproxy.yaml:{line}"


@pytest.mark.parametrize(("key", "text"), [
    ("max-conns: 3", f"max-conns: is {OF_SERVICE}"), ("idle-timeout: 3s", f"idle-timeout: is {OF_SERVICE}"),
    ("health-fall: 3", f"health-fall: is {OF_SERVICE}"),
    ("maxconn: 3", f"maxconn: unknown key; lbproxy calls it max-conns, {OF_SERVICE}"),
    ("inter: 3s", f"inter: unknown key; lbproxy calls it health-interval, {OF_SERVICE}"),
    ("workers: 3", "workers: is an option of the whole process; write it at the top of the file"),
])
def test_option_at_one_backend_is_sent_where_it_belongs(key: str, text: str, refusal_of_file: Refusal) -> None:
    content = f"{WEB}    backends:\n      - {{address: 127.0.0.1:1, {key}}}\n"
    assert refusal_of_file(content) == f"lbproxy.yaml:4: services[0].backends[0].{text}"


def test_variable_of_another_balancer_gets_our_word(refusal: Refusal) -> None:
    assert refusal(environment={"LBPROXY_MAXCONN": "3"}) == (
        "LBPROXY_MAXCONN: unknown environment variable; lbproxy calls it LBPROXY_MAX_CONNS")


def test_no_word_of_ours_is_taken_for_another_balancers() -> None:
    ours = {*map(kebab, KNOWN), *map(kebab, ServiceConfig.model_fields)} - {"backend"}
    assert not [word for word in ours if our_key(word)]
    assert not [word for word in Scheduler if our_scheduler(word)]
    assert not [word for word in BackendConfig.model_fields if our_key(word) and word != "address"]
