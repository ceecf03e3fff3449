"""Settings are written, and read again; what can't be written is said with what grants it."""

from pathlib import Path

import pytest

from lbproxy.dataplanes.ipvs.kernel.sysctls import ALWAYS, IPV4, IPV6, MANIFEST, Setting, ensure, needed
from lbproxy.model.errors import DataplaneError

from .fake_kernel import FakeMachine

REPOSITORY = Path(__file__).parents[2]
CONNTRACK = ALWAYS[0]


def unwritable(machine: FakeMachine, setting: Setting) -> Path:
    """Make it a file that nobody can write, not even root."""
    file = machine.sysctls / setting.path
    file.unlink()
    file.symlink_to("/proc/version")
    return machine.sysctls


def test_only_what_differs_is_written(machine: FakeMachine) -> None:
    assert ensure(needed(ipv4=True, ipv6=False), machine.sysctls) == [*ALWAYS, IPV4]
    assert ensure(needed(ipv4=True, ipv6=True), machine.sysctls) == [IPV6]
    assert ensure(needed(ipv4=True, ipv6=True), machine.sysctls) == []


def test_what_is_right_already_need_not_be_writable(machine: FakeMachine) -> None:
    ensure(ALWAYS, machine.sysctls)
    for setting in ALWAYS:
        (machine.sysctls / setting.path).chmod(0o444)
    assert ensure(ALWAYS, machine.sysctls) == []


@pytest.mark.parametrize("setting", [*ALWAYS, IPV4, IPV6])
def test_what_cannot_be_written_is_named_with_the_line_of_the_manifest_that_does(
        machine: FakeMachine, setting: Setting) -> None:
    with pytest.raises(DataplaneError) as caught:
        ensure([setting], unwritable(machine, setting))
    _, line, _ = str(caught.value).split("`")
    assert f"sysctl -w {setting.name}=1" in str(caught.value)
    assert line in (REPOSITORY / MANIFEST).read_text()


def test_setting_that_does_not_exist_says_what_is_not_loaded(machine: FakeMachine) -> None:
    (machine.sysctls / CONNTRACK.path).unlink()
    with pytest.raises(DataplaneError, match="modprobe ip_vs"):
        ensure([CONNTRACK], machine.sysctls)
    assert not (machine.sysctls / CONNTRACK.path).exists()


def test_value_that_does_not_stick_is_an_error(machine: FakeMachine) -> None:
    file = machine.sysctls / CONNTRACK.path
    file.unlink()
    file.symlink_to("/dev/null")
    with pytest.raises(DataplaneError, match="does not keep what is written"):
        ensure([CONNTRACK], machine.sysctls)
