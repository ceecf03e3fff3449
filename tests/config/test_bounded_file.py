"""Files whose writer may never come."""

import os
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from lbproxy.config import document
from lbproxy.model.errors import ConfigError
from lbproxy.net import bounded_file


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


def test_fifo_that_nobody_writes_is_given_up(fifo: Path) -> None:
    with pytest.raises(bounded_file.FileTimeoutError):
        bounded_file.read(fifo, 100, timeout=0.01)


def test_fifo_whose_writer_never_ends_is_given_up(fifo: Path) -> None:
    reading = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    writing = os.open(fifo, os.O_WRONLY)
    os.write(writing, b"a: 1")
    with pytest.raises(bounded_file.FileTimeoutError):
        bounded_file.read(fifo, 100, timeout=0.01)
    os.close(writing)
    os.close(reading)


def test_fifo_is_read_to_the_end_of_its_writer(fifo: Path) -> None:
    writer = threading.Thread(target=lambda: fifo.write_bytes(b"x" * 200_000))
    writer.start()
    assert bounded_file.read(fifo, 1 << 20, timeout=60) == b"x" * 200_000
    writer.join()


def test_device_that_never_ends_is_read_as_far_as_asked() -> None:
    assert bounded_file.read(Path("/dev/zero"), 70_000, timeout=60) == bytes(70_000)


def test_configuration_that_nobody_writes_is_a_mistake(fifo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "TIMEOUT", 0.01)
    with pytest.raises(ConfigError, match=r"fifo: has not come to its end within 0\.01 s"):
        document.read(fifo)


@pytest.mark.parametrize("text", ["%YAML 1.3\n---\na: 1\n", "%YAML 2.0\n---\n", "%YAML 1.1.1\n---\n", "a: &a [*a]",
                                  "? [", "[" * 5000, "!!python/object:os.system {}", "- !!int x", "a: !!timestamp 99",
                                  "%TAG ! !\n%TAG ! !\n---\na", "!<> a", "\ufeff\ufeff"])
def test_whatever_the_yaml_library_raises_is_a_mistake_or_a_document(tmp_path: Path, text: str) -> None:
    file = tmp_path / "file.yaml"
    file.write_text(text)
    with suppress(ConfigError):
        document.read(file)
