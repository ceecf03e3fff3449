"""The configuration file as a source: followed through every way in which files are replaced."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import pytest
from structlog.testing import capture_logs

from lbproxy.net import bounded_file
from lbproxy.sources import configured
from tests.support.waiting import until

from .following import Following, append, item, move, revise, rewrite, services, set_mode, text


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """A folder as Kubernetes mounts a ConfigMap: the file is a link through `..data` to the current revision."""
    revise(tmp_path, 1, text(1))
    (tmp_path / "lbproxy.yaml").symlink_to("..data/lbproxy.yaml")
    return tmp_path


@pytest.fixture
def path(volume: Path) -> Path:
    return volume / "lbproxy.yaml"


@pytest.fixture
def plain(path: Path) -> Path:
    """The same path, as an ordinary file."""
    path.unlink()
    path.write_text(text(1))
    return path


@pytest.fixture
async def following(path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Following]:
    monkeypatch.setattr(configured, "LOOK_INTERVAL", 0.002)
    following = Following(path)
    assert await following.ports() == [1]
    await until(lambda: following.reads == 1)  # the first look reads it, to be sure
    yield following
    following.task.cancel()
    with suppress(asyncio.CancelledError):
        await following.task


@pytest.mark.usefixtures("plain")
async def test_file_that_is_written_anew_is_published(path: Path, following: Following) -> None:
    rewrite(path, text(1, 2))
    assert await following.ports() == [1, 2]
    assert await following.is_accepted()
    assert following.is_silent


@pytest.mark.usefixtures("plain")
async def test_file_that_is_renamed_over_it_is_published(path: Path, following: Following) -> None:
    rewrite(path.with_suffix(".new"), text(2))
    move(path.with_suffix(".new"), path)
    assert await following.ports() == [2]


async def test_new_revision_of_a_mounted_configmap_is_published(volume: Path, following: Following) -> None:
    for revision in (2, 3):
        revise(volume, revision, text(revision))
        assert await following.ports() == [revision]


async def test_file_of_the_same_size_and_time_is_published(volume: Path, following: Following) -> None:
    before = (volume / "lbproxy.yaml").stat()
    (volume / "..next").mkdir()
    (volume / "..next" / "lbproxy.yaml").write_text(text(2))
    os.utime(volume / "..next" / "lbproxy.yaml", ns=(before.st_atime_ns, before.st_mtime_ns))
    (volume / "..data_tmp").symlink_to("..next")
    (volume / "..data_tmp").rename(volume / "..data")
    assert await following.ports() == [2]


async def test_file_is_read_again_when_asked_though_nothing_changed(following: Following) -> None:
    following.reread()
    assert await following.ports() == [1]
    assert await following.is_accepted()


async def test_being_asked_does_not_wait_for_the_next_look(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configured, "LOOK_INTERVAL", 3600.0)
    following = Following(path)
    assert await following.ports() == [1]
    following.reread()
    assert await following.ports() == [1]
    following.task.cancel()


async def test_file_that_stays_as_it_is_is_not_read_again(following: Following) -> None:
    following.reread()
    await following.ports()
    await following.is_accepted()
    following.reread()
    await following.ports()
    await following.is_accepted()
    assert following.is_silent


@pytest.mark.parametrize("content", ["services: [", "", "services: [{listen: nowhere}]", "colour: blue"])
async def test_bad_file_changes_nothing_and_is_told_in_one_line(
        volume: Path, following: Following, content: str) -> None:
    with capture_logs() as logs:
        revise(volume, 2, content)
        assert not await following.is_accepted()
        revise(volume, 3, text(3))
        assert await following.ports() == [3]  # and nothing before it
    line, = logs
    assert (line["log_level"], line["event"]) == ("error", "configuration refused, nothing was changed")
    assert "\n" not in line["error"]


async def test_bad_file_is_told_once_and_again_only_when_asked(volume: Path, following: Following) -> None:
    revise(volume, 2, "services: [")
    assert not await following.is_accepted()
    following.reread()
    assert not await following.is_accepted()
    assert following.is_silent


async def test_file_that_vanishes_changes_nothing_and_is_read_when_it_is_back(
        path: Path, following: Following) -> None:
    move(path, path.with_suffix(".away"))
    assert not await following.is_accepted()
    move(path.with_suffix(".away"), path)
    assert await following.ports() == [1]
    assert await following.is_accepted()


async def test_change_while_the_program_starts_is_not_missed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configured, "LOOK_INTERVAL", 0.002)
    following = Following(path)
    revise(path.parent, 2, text(2))  # the configuration was loaded, the source does not run yet
    assert await following.ports() == [1]
    assert await following.ports() == [2]
    following.task.cancel()


async def test_file_that_says_the_same_in_other_words_is_no_news(volume: Path, following: Following) -> None:
    revise(volume, 2, "# a comment\n" + text(1))
    await until(lambda: following.reads == 2)
    revise(volume, 3, text(3))
    assert await following.ports() == [3]
    assert await following.is_accepted()
    assert following.is_silent


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("is_removed", [False, True])
async def test_file_that_is_written_in_parts_is_taken_when_it_is_complete(
        path: Path, following: Following, *, is_removed: bool) -> None:
    await following.step()
    if is_removed:
        move(path, path.with_suffix(".away"))
        await following.step()
    rewrite(path, services("alpha"))
    for name in ("bravo", "charlie", "delta"):
        await following.step()  # it is valid now, and lacks half of its services
        append(path, item(name))
    assert following.reads == 1
    await following.step()
    await following.step()
    assert await following.names() == ["alpha", "bravo", "charlie", "delta"]
    assert await following.is_accepted()
    assert following.is_silent


async def test_target_of_a_link_that_is_written_in_parts_is_taken_when_it_is_complete(
        path: Path, following: Following) -> None:
    await following.step()
    rewrite(path, services("alpha"))
    await following.step()
    append(path, item("bravo"))
    await following.step()
    await following.step()
    assert await following.names() == ["alpha", "bravo"]
    assert following.reads == 2


async def test_file_that_is_renamed_over_it_is_taken_after_two_looks(path: Path, following: Following) -> None:
    await following.step()
    rewrite(path.with_suffix(".new"), text(2))
    move(path.with_suffix(".new"), path)
    await following.step()
    await following.step()
    assert await following.ports() == [2]


async def test_swapped_link_is_taken_at_the_first_look(volume: Path, following: Following) -> None:
    for revision in (2, 3):
        await following.step()
        revise(volume, revision, text(revision))
        await following.step()
        assert await following.ports() == [revision]


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("is_asked", [False, True])
@pytest.mark.parametrize("content", [services("alpha"), "services: ["])
async def test_file_that_changes_while_it_is_read_is_read_again(
        path: Path, following: Following, content: str, *, is_asked: bool) -> None:
    following.meanwhile = lambda: rewrite(path, services("alpha", "bravo"))
    rewrite(path, content)
    if is_asked:
        following.reread()
    assert await following.names() == ["alpha", "bravo"]
    assert await following.is_accepted()
    assert following.is_silent


@pytest.mark.parametrize("error", [errno.EACCES, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ESTALE])
async def test_file_that_could_not_be_read_is_tried_again_though_nothing_changed_at_it(
        following: Following, monkeypatch: pytest.MonkeyPatch, error: int) -> None:
    def fail(*_: object) -> NoReturn:
        raise OSError(error, os.strerror(error))

    with capture_logs() as logs, monkeypatch.context() as broken:
        broken.setattr(bounded_file, "read", fail)
        following.reread()
        assert not await following.is_accepted()
        reads = following.reads
        await until(lambda: following.reads > reads + 2)
    assert await following.ports() == [1]
    assert await following.is_accepted()
    assert following.is_silent  # it was told of once
    assert [os.strerror(error) in line["error"] for line in logs] == [True]


@pytest.mark.usefixtures("plain")
async def test_change_of_mode_makes_it_read_the_file_again(path: Path, following: Following) -> None:
    set_mode(path, 0o600)
    await until(lambda: following.reads == 2)


async def test_file_that_is_missing_is_told_of_once_and_again_when_asked(path: Path, following: Following) -> None:
    move(path, path.with_suffix(".away"))
    assert not await following.is_accepted()
    await until(lambda: following.reads > 4)
    assert following.is_silent
    following.reread()
    assert not await following.is_accepted()


@pytest.mark.usefixtures("plain")
async def test_service_without_a_name_is_the_same_one_when_its_addresses_change_places(
        path: Path, following: Following) -> None:
    addresses = ["127.0.0.10:80", "127.0.0.9:8080", "[::1]:80", "127.0.0.9:443"]
    backends = "backends: '192.0.2.1:1'"
    for order in (addresses, addresses[::-1], sorted(addresses)):
        rewrite(path, f"services: [{{listen: {order}, {backends}}}]")
        assert await following.names() == ["127-0-0-9-443"]


async def test_without_a_file_it_publishes_what_the_options_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configured, "LOOK_INTERVAL", 0.001)
    following = Following(None, {"listen": ["127.0.0.1:80"], "backend": ["192.0.2.1:1"]})
    assert await following.ports("default") == [1]
    following.reread()
    assert await following.ports("default") == [1]
    assert await following.is_accepted()
    assert following.is_silent
    following.task.cancel()
