"""What only one dataplane can do is refused for the other, where it was given; defaults are no offence."""

from collections.abc import Callable

import pytest

from lbproxy.config import Config, load
from lbproxy.config.fwmark import Marks
from lbproxy.config.options import OPTIONS
from lbproxy.runtime.dataplanes import DATAPLANES

Refusal = Callable[..., str]
GIVEN = {"listen": ("192.0.2.1:80",), "backend": ("192.0.2.2:80",)}
FOR_USERSPACE = "is for the userspace dataplane, ipvs has no such option; remove it, or write --dataplane=userspace"


@pytest.mark.parametrize(("name", "value"), [
    ("workers", "2"), ("queue", "1024"), ("queue_timeout", "5s"), ("connect_timeout", "2s"), ("connect_retries", "2"),
    ("half_close_timeout", "1m")])
def test_option_that_ipvs_cannot_honour_is_refused_even_with_its_default(
        name: str, value: str, refusal: Refusal) -> None:
    option = "--" + name.replace("_", "-")
    assert refusal({**GIVEN, "dataplane": "ipvs", name: value}) == f"{option}: {FOR_USERSPACE}"
    assert refusal({**GIVEN, "dataplane": "ipvs"}, {f"LBPROXY_{name.upper()}": value}) == (
        f"LBPROXY_{name.upper()}: {FOR_USERSPACE}")


def test_a_services_own_option_is_refused_by_its_line(refusal_of_file: Refusal) -> None:
    text = "dataplane: ipvs\nservices:\n  - listen: 192.0.2.1:80\n    queue: 3\n"
    assert refusal_of_file(text) == f"lbproxy.yaml:4: services[0].queue: {FOR_USERSPACE}"


@pytest.mark.parametrize("scheduler", ["sh", "mh", "sed", "nq"])
def test_scheduler_that_only_the_kernel_has_is_refused_in_userspace(scheduler: str, refusal: Refusal) -> None:
    line = f"the userspace dataplane has no {scheduler}; write lc, wlc, rr or wrr, or --dataplane=ipvs"
    assert refusal({**GIVEN, "scheduler": scheduler}) == f"--scheduler: {line}"
    assert load({**GIVEN, "scheduler": scheduler, "dataplane": "ipvs"}, {}, None).scheduler == scheduler


@pytest.mark.parametrize(("option", "value"), [("ipvs_fwmark", "1"), ("cleanup", "true")])
def test_option_of_ipvs_is_refused_in_userspace(option: str, value: str, refusal: Refusal) -> None:
    name = "--" + option.replace("_", "-")
    assert refusal({**GIVEN, option: value}) == (
        f"{name}: is for the ipvs dataplane, userspace has no such option; remove it, or write --dataplane=ipvs")


@pytest.mark.parametrize(("listen", "backend", "says"), [
    ("[2001:db8::1]:80", "192.0.2.2:80", "has no backend of its family"),
    ("127.0.0.1:80", "192.0.2.2:80", "loopback addresses neither leave nor enter a machine"),
    ("0.0.0.0:80", "127.0.0.1:81", "loopback addresses neither leave nor enter a machine"),
])
def test_addresses_that_the_kernel_cannot_connect_are_refused(
        listen: str, backend: str, says: str, refusal: Refusal) -> None:
    assert says in refusal({"listen": (listen,), "backend": (backend,), "dataplane": "ipvs"})


def test_auto_refuses_nothing_that_one_of_the_two_can_do() -> None:
    for options in ({"queue": "3"}, {"scheduler": "sh", "cleanup": "on"}):
        load({**GIVEN, "dataplane": "auto", **options}, {}, None, check=DATAPLANES.problems)


def test_option_of_ipvs_that_is_off_asks_for_nothing() -> None:
    load({**GIVEN, "cleanup": "off", "ipvs_fwmark": "off"}, {}, None, check=DATAPLANES.problems)


def test_default_is_a_dataplane_that_there_is() -> None:
    assert load(GIVEN, {}, None).dataplane in {kind.name for kind in DATAPLANES.kinds}


def test_what_a_dataplane_honours_are_options() -> None:
    assert all(kind.own_options <= OPTIONS.keys() for kind in DATAPLANES.kinds)


@pytest.mark.parametrize("dataplane", ["userspace", "ipvs", "auto"])
def test_what_check_prints_is_accepted_for_every_dataplane(
        dataplane: str, load_file: Callable[[str], Config]) -> None:
    config = load({**GIVEN, "dataplane": dataplane}, {}, None)
    assert load_file(config.to_yaml(DATAPLANES.hidden_options(config))).specs() == config.specs()


@pytest.mark.parametrize(("text", "marks"), [
    ("7", Marks(7)), ("0x10000/0xff0000", Marks(0x10000, 0xFF0000)), ("off", None)])
def test_fwmark_is_read_and_written_back(text: str, marks: Marks | None, load_file: Callable[[str], Config]) -> None:
    config = load({**GIVEN, "dataplane": "ipvs", "ipvs_fwmark": text}, {}, None)
    assert config.ipvs_fwmark == marks
    assert load_file(config.to_yaml(DATAPLANES.hidden_options(config))).ipvs_fwmark == marks
