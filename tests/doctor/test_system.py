from pathlib import Path

import pytest

from tests.support.trees import READ_ONLY, lay, sysctls


def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    system = lay(tmp_path, {})
    assert (system.text("a"), system.number("a"), system.names("a"), system.exists("a")) == (None, None, [], False)


@pytest.mark.parametrize("content", ["", "many", "1 2", "0x1"])
def test_what_is_no_number_is_none(tmp_path: Path, content: str) -> None:
    assert lay(tmp_path, {"file": content}).number("file") is None


def test_bytes_that_are_no_text_are_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\xff\xfe")
    assert lay(tmp_path, {}).text("file") is None


@pytest.mark.parametrize(("mounts", "is_read_only"), [
    ("", False),
    ("1 0 0:1 / / ro - ext4 a rw", True),
    ("1 0 0:1 / / rw - ext4 a rw\n2 1 0:2 / /proc ro - proc proc rw", True),
    ("1 0 0:1 / / ro - ext4 a rw\n2 1 0:2 / /proc rw - proc proc rw", False),
    ("1 0 0:1 / / rw - ext4 a rw\n2 1 0:2 / /proc/sys ro - proc proc rw\n3 2 0:2 / /proc/sys/net rw - proc proc rw",
     False),
    ("1 0 0:1 / /proc/sys rw - proc proc rw\n2 1 0:2 / /proc/sys ro - proc proc rw", True),
    ("1 0 0:1 / /proc/sysrq ro - proc proc rw", False),
], ids=["no-mounts", "root", "outer", "inner-writable", "hole", "later-on-top", "only-alike"])
def test_innermost_mount_decides_whether_a_file_is_read_only(
        tmp_path: Path, mounts: str, *, is_read_only: bool) -> None:
    system = lay(tmp_path, {"proc/self/mountinfo": mounts, **sysctls(net__ipv4__ip_forward=0)})
    path = "proc/sys/net/ipv4/ip_forward"
    assert (system.is_read_only(path), system.is_writable(path)) == (is_read_only, not is_read_only)


def test_what_is_absent_is_not_writable(tmp_path: Path) -> None:
    assert not lay(tmp_path, {}).is_writable("proc/sys/none")


def test_container_has_read_only_sysctls_and_a_writable_rest(tmp_path: Path) -> None:
    system = lay(tmp_path, READ_ONLY)
    assert (system.is_read_only("proc/sys/net/a"), system.is_read_only("proc/self/b")) == (True, False)
