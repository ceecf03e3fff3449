from pathlib import Path

import pytest

from lbproxy.dataplanes.ipvs.kernel.sysctls import ALWAYS, IPV4, IPV6, Setting, needed
from lbproxy.dataplanes.ipvs.preflight.settings import judge_setting, judge_settings
from lbproxy.model.finding import Verdict
from tests.support.trees import READ_ONLY, Files, lay, sysctls

RIGHT = sysctls(net__ipv4__ip_forward=1, net__ipv6__conf__all__forwarding=1, net__ipv4__vs__conntrack=1,
                net__ipv4__vs__expire_nodest_conn=1, net__ipv4__vs__expire_quiescent_template=1)
WRONG = dict.fromkeys(RIGHT, "0\n")
ALL = [*ALWAYS, IPV4, IPV6]


@pytest.mark.parametrize("wanted", ALL, ids=lambda wanted: wanted.name)
@pytest.mark.parametrize(("files", "verdict", "seen"), [
    (RIGHT, Verdict.OK, "1"),
    ({**RIGHT, **READ_ONLY}, Verdict.OK, "1"),
    (WRONG, Verdict.OK, "0; lbproxy can set it to 1 at its start"),
    ({**WRONG, **READ_ONLY}, Verdict.FATAL, "0, and /proc/sys is read-only"),
    ({}, Verdict.FATAL, "it isn't there"),
], ids=["right", "right-and-read-only", "wrong-and-writable", "wrong-and-read-only", "absent"])
def test_sysctl(tmp_path: Path, wanted: Setting, files: Files, verdict: Verdict, seen: str) -> None:
    found = judge_setting(lay(tmp_path, files), wanted)
    assert (found.name, found.verdict, found.seen, bool(found.fix)) == (
        wanted.name, verdict, seen, verdict is Verdict.FATAL)


def test_fix_of_a_sysctl_names_the_command_and_the_manifest(tmp_path: Path) -> None:
    found = judge_setting(lay(tmp_path, {**WRONG, **READ_ONLY}), IPV4)
    assert found.fix.startswith("sysctl -w net.ipv4.ip_forward=1; ")
    manifest, = {word for word in found.fix.split() if word.startswith("deploy/")}
    assert "echo 1 >ipv4/ip_forward" in Path(manifest).read_text()


def names(tmp_path: Path, files: Files, *, ipv4: bool = True, ipv6: bool = False,
          has_ipvs: bool = True) -> dict[str, Verdict]:
    return {found.name: found.verdict
            for found in judge_settings(lay(tmp_path, files), needed(ipv4=ipv4, ipv6=ipv6), has_ipvs=has_ipvs)}


def test_family_has_to_be_forwarded_only_if_something_listens_there(tmp_path: Path) -> None:
    assert not {IPV4.name, IPV6.name} & names(tmp_path, RIGHT, ipv4=False).keys()
    assert IPV6.name not in names(tmp_path, RIGHT)
    assert names(tmp_path, RIGHT, ipv6=True)[IPV6.name] is Verdict.OK


def test_sysctls_of_an_absent_ipvs_are_one_finding(tmp_path: Path) -> None:
    assert names(tmp_path, sysctls(net__ipv4__ip_forward=1), has_ipvs=False) == {
        "net.ipv4.vs.*": Verdict.UNKNOWN, IPV4.name: Verdict.OK}


def test_sysctls_that_are_hidden_though_ipvs_answers_are_fatal(tmp_path: Path) -> None:
    assert names(tmp_path, sysctls(net__ipv4__ip_forward=1))["net.ipv4.vs.*"] is Verdict.FATAL


def test_sysctls_of_which_only_the_directory_is_shown_are_one_finding(tmp_path: Path) -> None:
    files = sysctls(net__ipv4__ip_forward=1, net__ipv4__vs__other=1)
    assert names(tmp_path, files, has_ipvs=False)["net.ipv4.vs.*"] is Verdict.UNKNOWN
