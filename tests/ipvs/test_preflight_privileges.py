import errno
from pathlib import Path

import pytest

from lbproxy.dataplanes.ipvs.preflight.privileges import net_admin, user_namespace
from lbproxy.model.finding import Verdict
from lbproxy.net.capabilities import NET_ADMIN, Capabilities, capabilities
from tests.support.trees import lay

EFFECTIVE = 1 << NET_ADMIN


def test_sets_are_read_from_the_status_of_the_process(tmp_path: Path) -> None:
    status = "Name:\tlbproxy\nCapPrm:\t0\nCapEff:\t0000000000001000\nCapBnd:\t000001ffffffffff\nCapAmb:\t0\n"
    assert capabilities(lay(tmp_path, {"proc/self/status": status})) == Capabilities(0x1000, 0x1FFFFFFFFFF)


@pytest.mark.parametrize(("effective", "bounding", "verdict", "seen", "fix"), [
    (EFFECTIVE, EFFECTIVE, Verdict.OK, "effective", ""),
    (0, EFFECTIVE, Verdict.FATAL, "not effective", "runAsUser: 0"),
    (~EFFECTIVE & 0xFFFF, 0, Verdict.FATAL, "not even in the bounding set", "add: [NET_ADMIN]"),
    (None, None, Verdict.UNKNOWN, "can't be read", ""),
], ids=["effective", "only-bounding", "none", "unreadable"])
def test_net_admin(effective: int | None, bounding: int | None, verdict: Verdict, seen: str, fix: str) -> None:
    found = net_admin(Capabilities(effective, bounding))
    assert (found.verdict, seen in found.seen, fix in found.fix, bool(fix)) == (verdict, True, True, bool(found.fix))


OWN, NODES = "         0     100000      65536\n", "         0          0 4294967295\n"


@pytest.mark.parametrize(("mapping", "answer", "verdict"), [
    (NODES, 0, Verdict.OK),
    (NODES, errno.EPERM, Verdict.OK),
    (OWN, 0, Verdict.OK),
    (OWN, errno.EPERM, Verdict.FATAL),
    (OWN, errno.ENOENT, Verdict.UNKNOWN),
    ("0 0 1000\n1000 0 1\n", errno.EPERM, Verdict.FATAL),
], ids=["nodes", "nodes-refused-for-another-reason", "own-accepted", "own-refused", "own-no-ipvs", "two-lines"])
def test_user_namespace_matters_only_if_ipvs_minds(
        tmp_path: Path, mapping: str, answer: int, verdict: Verdict) -> None:
    found = user_namespace(lay(tmp_path, {"proc/self/uid_map": mapping}), answer)
    assert found.verdict is verdict
    assert ("hostUsers: true" in found.fix) is (verdict is not Verdict.OK)


def test_user_namespace_that_can_not_be_read_is_unknown(tmp_path: Path) -> None:
    assert user_namespace(lay(tmp_path, {}), 0).verdict is Verdict.UNKNOWN
