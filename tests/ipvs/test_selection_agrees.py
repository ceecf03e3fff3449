"""What `run --dataplane=auto` takes is what `doctor --dataplane auto` says: one place decides."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from lbproxy.config import Config, load
from lbproxy.dataplanes.ipvs.kernel.address_reservations import Lock
from lbproxy.dataplanes.selection import select_dataplane
from lbproxy.doctor.examination import examine
from lbproxy.doctor.shape import shape
from lbproxy.net.system import System
from tests.support.trees import READ_ONLY

from .fake_kernel import FakeMachine
from .machines import dataplanes_over, machine_with

ONE = {"listen": ("192.0.2.1:80",), "backend": ("192.0.2.2:80",), "dataplane": "auto"}
IPV6 = {**ONE, "listen": ("[2001:db8::1]:80",), "backend": ("[2001:db8::2]:80",)}
ONLY_IPV4_IS_OFF = {**READ_ONLY, "proc/sys/net/ipv6/conf/all/forwarding": "1\n", **{
    f"proc/sys/net/ipv4/vs/{name}": "1\n"
    for name in ("conntrack", "expire_nodest_conn", "expire_quiescent_template")}}


async def verdicts(config: Config, machine: FakeMachine, root: Path) -> tuple[str, str]:
    """Give what `run` takes and what `doctor` says."""
    dataplanes, system = dataplanes_over(machine), System(root)
    taken = await select_dataplane(dataplanes, config, system)
    said = json.loads(json.dumps(shape(await examine(config, dataplanes, system))))
    return taken.name, said["dataplane"]["picked"]


@pytest.mark.parametrize(("given", "files", "is_taken", "both"), [
    ({**ONE, "queue": "3"}, {}, False, "userspace"),
    (ONE, {}, True, "userspace"),
    ({**ONE, "scheduler": "nq"}, {}, False, "userspace"),
    (IPV6, ONLY_IPV4_IS_OFF, False, "ipvs"),
], ids=["option-of-the-other", "another-lbproxy", "scheduler-is-missing", "ipv6-only"])
async def test_run_takes_what_doctor_says(given: Mapping[str, object], files: Mapping[str, str], both: str,
                                          tmp_path: Path, *, is_taken: bool) -> None:
    machine = machine_with(tmp_path, files)
    rival = Lock(machine.lock)
    if is_taken:
        rival.take()
    try:
        assert await verdicts(load(given, {}, None), machine, tmp_path) == (both, both)
    finally:
        rival.release()
