"""A further dataplane is one package and its place in a list: everything that asks a dataplane asks it too."""

import json
import signal
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner

from lbproxy.cli.check import check_command
from lbproxy.cli.doctor import doctor_command
from lbproxy.cli.settings import SettingsCommand
from lbproxy.config import load
from lbproxy.dataplanes.catalog import Dataplanes
from lbproxy.dataplanes.ipvs.kind import IPVS
from lbproxy.dataplanes.selection import select_dataplane
from lbproxy.dataplanes.userspace.kind import USERSPACE
from lbproxy.model.errors import ConfigError
from lbproxy.model.finding import Verdict
from lbproxy.net.system import System
from tests.support.program import start

from .toy.kind import TOY, ToyKind

THREE = Dataplanes((IPVS, TOY, USERSPACE))
ONE = ("--listen", "127.0.0.1:8080", "--backend", "127.0.0.1:9001")
GIVEN = {"listen": ("127.0.0.1:8080",), "backend": ("127.0.0.1:9001",)}


def said(command: SettingsCommand, *arguments: str) -> str:
    return CliRunner().invoke(command, arguments, catch_exceptions=False).stdout


def refusal(**given: object) -> str:
    with pytest.raises(ConfigError) as error:
        load({**GIVEN, **given}, {}, None, check=THREE.problems)
    return str(error.value)


@pytest.mark.parametrize(("toys", "active"), [
    ((TOY, USERSPACE), "toy"),
    ((ToyKind(Verdict.FATAL), USERSPACE), "userspace"),
    ((ToyKind(Verdict.UNKNOWN), USERSPACE), "userspace"),
    ((ToyKind(Verdict.FATAL), TOY, USERSPACE), "toy"),
])
async def test_auto_takes_the_first_that_works(toys: tuple[ToyKind, ...], active: str, tmp_path: Path) -> None:
    choice = await select_dataplane(Dataplanes(toys), load({**GIVEN, "dataplane": "auto"}, {}, None), System(tmp_path))
    assert choice.name == active


async def test_that_it_will_not_work_is_said_to_who_asks_for_it(tmp_path: Path) -> None:
    config = load({**GIVEN, "dataplane": "toy"}, {}, None)
    choice = await select_dataplane(Dataplanes((ToyKind(Verdict.FATAL),)), config, System(tmp_path))
    with pytest.raises(ConfigError, match=r"^--dataplane=toy: box: for 1 services; buy one; lbproxy doctor says more$"):
        choice.refuse_fatal()


def test_doctor_prints_its_findings() -> None:
    answer = json.loads(said(doctor_command(THREE), "--dataplane=toy", "--json"))
    assert answer["dataplane"] == {"requested": "toy", "picked": "toy", "reason": "asked for"}
    assert [each["name"] for each in answer["findings"] if each["dataplane"] == "toy"] == ["box"]
    assert "For toy" in said(doctor_command(THREE), "--dataplane=auto")


def test_check_prints_what_it_honours_and_nothing_that_would_be_refused(tmp_path: Path) -> None:
    text = said(check_command(THREE), *ONE, "--dataplane=toy")
    assert "dataplane: toy\n" in text
    assert "queue: 1024\n" in text
    assert not {"workers", "ipvs-fwmark", "queue-timeout"} & {line.partition(":")[0] for line in text.splitlines()}
    file = tmp_path / "lbproxy.yaml"
    file.write_text(text)
    assert load({}, {}, file, check=THREE.problems).dataplane == "toy"


def test_configuration_is_held_to_what_it_can_do() -> None:
    load({**GIVEN, "dataplane": "toy", "queue": "3", "scheduler": "rr"}, {}, None, check=THREE.problems)
    assert refusal(dataplane="toy", workers="2") == (
        "--workers: is for the userspace dataplane, toy has no such option; remove it, or write --dataplane=userspace")
    assert refusal(dataplane="ipvs", queue="3").startswith("--queue: is for the toy or userspace dataplane, ipvs has")
    assert refusal(dataplane="toy", scheduler="sh") == (
        "--scheduler: the toy dataplane has no sh; write wlc or rr, or --dataplane=ipvs")
    assert refusal(dataplane="toy", listen=("127.0.0.1:80", "127.0.0.1:81")) == (
        "--listen: is more than the toy can hold; write one address")
    assert refusal(dataplane="ebpf") == "--dataplane: 'ebpf' is unknown; write ipvs, toy, userspace or auto"


def test_help_and_reference_name_it() -> None:
    text = " ".join(said(check_command(THREE), "--help").split())
    assert "--dataplane ipvs|toy|userspace|auto" in text
    assert "toy: a toy" in text
    assert "lc or wrr: ipvs or userspace only. sh, mh, sed or nq: ipvs only." in text
    written = import_module("docs.generate.options").options(THREE)
    rows = {row.split("|")[1].strip(): row for row in written.splitlines() if row.startswith("| `--")}
    assert "`ipvs`, `toy`, `userspace`, `auto`" in rows["`--dataplane`"]
    assert "service, toy or userspace only" in rows["`--queue`"]


async def test_program_runs_it() -> None:
    program = await start(*ONE, "--dataplane=auto", "--shutdown-delay=0s", module="tests.dataplanes.toy")
    chosen, serving = await program.logged("dataplane chosen"), await program.logged("serving")
    assert (chosen["dataplane"], chosen["reason"]) == ("toy", "nothing is in the way of toy")
    assert (serving["dataplane"], "workers" in serving) == ("toy", False)
    assert (await program.metrics()).value("lbproxy_dataplane_info", requested="auto", active="toy",
                                           reason="nothing is in the way of toy") == 1
    assert json.loads((await program.get("/backends"))[1])["program"]["dataplane"] == "toy"
    program.signal(signal.SIGTERM)
    assert await program.ended() == 0
