"""The image: what is in it, what isn't, and how it is to be run."""

import stat

import pytest

import lbproxy

from .image import Image

pytestmark = pytest.mark.timeout(600)  # the first test of a module builds it

LARGEST = 128 << 20
"""Bytes that lbproxy adds to its base; 109 MiB when this was written, half of it kubernetes_asyncio."""
TOOLS = {"cc", "gcc", "g++", "clang", "ld", "as", "make", "pip", "pip3", "rustc", "cargo", "go"}


def test_it_says_what_it_is(image: Image) -> None:
    labels = {key.removeprefix("org.opencontainers.image."): value for key, value in image.config["Labels"].items()}
    assert (labels["title"], labels["version"], labels["licenses"]) == ("lbproxy", lbproxy.__version__, "Apache-2.0")
    assert {"description", "revision", "base.name"} <= labels.keys()


def test_it_starts_lbproxy_without_a_shell_as_a_numbered_user(image: Image) -> None:
    assert image.config["Entrypoint"] == ["/opt/lbproxy/bin/lbproxy"]
    assert (image.config["User"], image.config["StopSignal"]) == ("65532:65532", "SIGTERM")


def test_nothing_is_left_in_it_that_builds_programs_or_installs_packages_of_python(image: Image) -> None:
    folders = [image.root / folder for folder in ("usr/bin", "usr/local/bin", "opt/lbproxy/bin")]
    programs = {file.name for folder in folders if folder.exists() for file in folder.iterdir()}
    assert "lbproxy" in programs
    assert not TOOLS & programs
    assert not list((image.root / "opt/lbproxy").rglob("site-packages/pip"))
    assert not [left for left in ("src", "build", "wheels") if (image.root / left).exists()]


def test_nothing_is_left_in_it_of_the_machine_that_built_it(image: Image) -> None:
    assert not [secret for secret in ("etc/pip.conf", "run/certificates.pem") if (image.root / secret).exists()]


def test_its_user_can_change_nothing_of_lbproxy(image: Image) -> None:
    found = [path.lstat() for path in (image.root / "opt").rglob("*") if not path.is_symlink()]
    assert len(found) > 1000
    assert not [file for file in found if file.st_uid or file.st_mode & (stat.S_IWGRP | stat.S_IWOTH)]


def test_bytecode_is_compiled_as_nothing_can_be_written_later(image: Image) -> None:
    package = next((image.root / "opt/lbproxy/lib").rglob("site-packages/lbproxy"))
    sources = {path.relative_to(package).with_suffix("") for path in package.rglob("*.py")}
    compiled = {path.relative_to(package) for path in package.rglob("*.pyc")}
    assert sources == {path.parent.parent / path.name.partition(".")[0] for path in compiled}


def test_lbproxy_adds_no_more_to_its_base_than_it_must(image: Image) -> None:
    files = [path.lstat() for path in (image.root / "opt/lbproxy").rglob("*")]
    assert 1 << 20 < sum(file.st_size for file in files) < LARGEST
