from pathlib import Path

import pytest

from bench.errors import NotInstalledError
from bench.guest import image


def kernels(folder: Path, *versions: str) -> tuple[Path, Path]:
    boot, modules = folder / "boot", folder / "modules"
    boot.mkdir()
    for version in versions:
        (boot / f"vmlinuz-{version}").touch()
        if "cloud" not in version:
            (modules / version / "kernel/net/netfilter/ipvs").mkdir(parents=True)
            (modules / version / "kernel/net/netfilter/ipvs/ip_vs.ko.xz").touch()
    return boot, modules


@pytest.fixture(autouse=True)
def _emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.guest.shutil.which", lambda name: f"/usr/bin/{name}")


def test_the_newest_kernel_that_has_ipvs_is_taken(tmp_path: Path) -> None:
    found = image(*kernels(tmp_path, "6.1.0-9-amd64", "6.1.0-56-amd64", "6.12.0-cloud-amd64"))
    assert found.name == "vmlinuz-6.1.0-56-amd64"


def test_without_such_a_kernel_it_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(NotInstalledError, match="apt install linux-image-amd64"):
        image(*kernels(tmp_path, "6.12.0-cloud-amd64"))


def test_without_an_emulator_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.guest.shutil.which", lambda _: None)
    with pytest.raises(NotInstalledError, match="qemu-system-x86_64 is not installed"):
        image(*kernels(tmp_path, "6.1.0-9-amd64"))
