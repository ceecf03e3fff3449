from pathlib import Path

import pytest

from lbproxy.dataplanes.ipvs.preflight.reuse_mode import reuse_mode
from lbproxy.model.finding import Verdict
from tests.support.trees import lay, sysctls


@pytest.mark.parametrize(("release", "mode", "verdict", "seen"), [
    ("6.1.0-13-amd64", 1, Verdict.OK, "Linux 6.1 needs no choice"),
    ("6.1.0-13-amd64", 2, Verdict.OK, "Linux 6.1 needs no choice"),
    ("5.9.0", None, Verdict.OK, "Linux 5.9 needs no choice"),
    ("5.10.0", 0, Verdict.IMPROVABLE, "pinned"),
    ("5.8.18", 1, Verdict.IMPROVABLE, "waits a second"),
    ("5.4.0", 0, Verdict.IMPROVABLE, "pinned"),
    ("4.19.0", None, Verdict.IMPROVABLE, "waits a second"),
    ("4.1.0", 1, Verdict.IMPROVABLE, "waits a second"),
    ("4.0.9", None, Verdict.IMPROVABLE, "doesn't have it"),
    ("unheard of", 1, Verdict.UNKNOWN, "can't be read"),
])
def test_reuse_mode(tmp_path: Path, release: str, mode: int | None, verdict: Verdict, seen: str) -> None:
    files = sysctls(kernel__osrelease=release, **({} if mode is None else {"net__ipv4__vs__conn_reuse_mode": mode}))
    found = reuse_mode(lay(tmp_path, files))
    assert (found.verdict, seen in found.seen) == (verdict, True), found.seen
    assert bool(found.fix) is (verdict is Verdict.IMPROVABLE)
