"""The log's queue and its thread, without the program around it."""

import os
import threading
from collections import Counter
from collections.abc import Iterator
from typing import NoReturn

import pytest

from lbproxy.runtime.log_writer import MOST_BYTES, MOST_LINES, LogWriter

LIMIT = 60.0


@pytest.fixture
def dropped() -> Counter[str]:
    return Counter()


@pytest.fixture
def pipe() -> Iterator[list[int]]:
    """Reading and writing end; a test sets to -1 what it has closed."""
    ends = [*os.pipe()]
    yield ends
    for end in ends:
        if end >= 0:
            os.close(end)


def writer(descriptor: int, dropped: Counter[str]) -> LogWriter:
    return LogWriter(descriptor, lambda reason: dropped.update([reason]))


def test_lines_are_written_in_order(pipe: list[int], dropped: Counter[str]) -> None:
    log = writer(pipe[1], dropped)
    for number in range(100):
        log.write(str(number))
    assert log.flush(LIMIT)
    assert os.read(pipe[0], 1 << 16).decode().split() == [str(number) for number in range(100)]
    assert not dropped


def test_stuck_reader_costs_the_lines_beyond_the_queue_and_no_time(pipe: list[int], dropped: Counter[str]) -> None:
    log = writer(pipe[1], dropped)
    for _ in range(3 * MOST_LINES):
        log.write("x" * 100)
    assert dropped["queue_full"] >= MOST_LINES
    assert not log.flush(0.01)
    drain(pipe[0], log)


def test_few_long_lines_fill_the_queue_too(pipe: list[int], dropped: Counter[str]) -> None:
    log = writer(pipe[1], dropped)
    for _ in range(10):
        log.write("x" * (MOST_BYTES // 3))
    assert dropped["queue_full"] >= 6
    drain(pipe[0], log)


def drain(reading: int, log: LogWriter) -> None:
    """Release its thread, so that none is left behind."""
    reader = threading.Thread(target=read_to_the_end, args=(reading,))
    reader.start()
    assert log.flush(LIMIT)
    log.write("the end")
    reader.join()


def read_to_the_end(reading: int) -> None:
    while not os.read(reading, 1 << 16).endswith(b"the end\n"):
        pass


def test_line_after_a_reader_went_away_is_counted(pipe: list[int], dropped: Counter[str]) -> None:
    os.close(pipe[0])
    pipe[0] = -1
    log = writer(pipe[1], dropped)
    log.write("lost")
    assert log.flush(LIMIT)
    assert dropped == {"reader_gone": 1}


def test_line_for_a_closed_descriptor_is_counted(dropped: Counter[str]) -> None:
    log = writer(1 << 20, dropped)
    log.write("lost")
    assert log.flush(LIMIT)
    assert dropped == {"closed": 1}


def test_non_blocking_descriptor_is_waited_for(pipe: list[int], dropped: Counter[str]) -> None:
    os.set_blocking(pipe[1], False)
    log = writer(pipe[1], dropped)
    for _ in range(2_000):
        log.write("x" * 100)
    drain(pipe[0], log)
    assert not dropped


def test_what_is_no_text_is_escaped(pipe: list[int], dropped: Counter[str]) -> None:
    log = writer(pipe[1], dropped)
    log.write("\udcff")
    assert log.flush(LIMIT)
    assert os.read(pipe[0], 100) == b"\\udcff\n"


def test_without_a_thread_lines_are_written_as_far_as_they_fit(
        pipe: list[int], dropped: Counter[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: threading.Thread) -> NoReturn:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    log = writer(pipe[1], dropped)
    log.write("first")
    assert os.read(pipe[0], 100) == b"first\n"
    for _ in range(2 * MOST_LINES):
        log.write("x" * 100)
    assert dropped["queue_full"]
