"""Which kernel a guest boots."""

from pathlib import Path

import pytest

from . import kernel


def installed(root: Path, *versions: str, suffix: str = ".ko") -> tuple[Path, Path]:
    boot, modules = root / "boot", root / "modules"
    boot.mkdir()
    for version in versions:
        (boot / f"vmlinuz-{version}").touch()
        folder = modules / version / "kernel/net/netfilter/ipvs"
        folder.mkdir(parents=True)
        (folder / f"ip_vs{suffix}").touch()
    return boot, modules


@pytest.mark.parametrize("suffix", [".ko", ".ko.xz", ".ko.zst"])
def test_newest_by_number_not_by_letter(tmp_path: Path, suffix: str) -> None:
    boot, modules = installed(tmp_path, "6.1.0-9-amd64", "6.1.0-56-amd64", "5.10.0-99-amd64", suffix=suffix)
    assert kernel.newest(boot, modules) == boot / "vmlinuz-6.1.0-56-amd64"


def test_kernel_without_ipvs_is_none(tmp_path: Path) -> None:
    boot, modules = installed(tmp_path, "6.1.0-9-amd64")
    (boot / "vmlinuz-7.0.0-cloud").touch()
    assert kernel.newest(boot, modules) == boot / "vmlinuz-6.1.0-9-amd64"


def test_no_kernel_is_none(tmp_path: Path) -> None:
    assert kernel.newest(tmp_path / "none", tmp_path) is None
