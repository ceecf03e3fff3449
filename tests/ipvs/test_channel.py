"""Requests and answers over netlink, with a part of the kernel that is everywhere and asks for no privilege: links."""

import asyncio
import errno
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress

import pytest
import uvloop

from lbproxy.netlink import message
from lbproxy.netlink import netlink_channel as channels
from lbproxy.netlink.attributes import fields, string
from lbproxy.netlink.errors import KernelError
from lbproxy.netlink.message import ACK, DUMP, NetlinkMessage
from lbproxy.netlink.netlink_channel import ROUTE, NetlinkChannel

GET_LINK, NAME = 18, 3
BODY = struct.Struct("=BBHiII")
NO_SUCH_KIND = 4_095


def get_link(index: int = 0, flags: int = ACK) -> NetlinkMessage:
    return NetlinkMessage(GET_LINK, BODY.pack(0, 0, 0, index, 0, 0), flags)


def names(answers: list[bytes]) -> set[str]:
    return {string(fields(answer[BODY.size:])[NAME]) for answer in answers}


@pytest.fixture
def channel() -> NetlinkChannel:
    return NetlinkChannel(ROUTE)


async def test_list_is_given_whole(channel: NetlinkChannel) -> None:
    answers = await channel.exchange("read links", get_link(flags=DUMP))
    assert names(answers) == {name for _, name in socket.if_nameindex()}
    channel.close()


def test_it_works_on_the_loop_that_lbproxy_uses(channel: NetlinkChannel) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        answers = runner.run(channel.exchange("read a link", get_link(socket.if_nametoindex("lo"))))
    assert names(answers) == {"lo"}
    channel.close()


async def test_refusal_has_its_number_and_says_what_was_tried(channel: NetlinkChannel) -> None:
    with pytest.raises(KernelError, match=r"^can't read a link: No such device") as caught:
        await channel.exchange("read a link", get_link(2**31 - 1))
    assert caught.value.errno == errno.ENODEV
    channel.close()


async def test_refusal_gives_the_kernels_own_words_if_there_are_any(channel: NetlinkChannel) -> None:
    with pytest.raises(KernelError, match=r"^can't ask: Invalid argument \(.+\)$"):
        await channel.exchange("ask", NetlinkMessage(GET_LINK, b"\0" * 4, ACK))
    channel.close()


async def test_unknown_kind_is_refused(channel: NetlinkChannel) -> None:
    with pytest.raises(KernelError) as caught:
        await channel.exchange("ask", NetlinkMessage(NO_SUCH_KIND, BODY.pack(0, 0, 0, 0, 0, 0), ACK))
    assert caught.value.errno == errno.EOPNOTSUPP
    channel.close()


async def test_answers_to_a_request_that_was_given_up_are_ignored(channel: NetlinkChannel) -> None:
    given_up = asyncio.create_task(channel.exchange("read links", get_link(flags=DUMP)))
    await asyncio.sleep(0)  # it was sent
    given_up.cancel()
    with suppress(asyncio.CancelledError):
        await given_up
    assert names(await channel.exchange("read a link", get_link(socket.if_nametoindex("lo")))) == {"lo"}
    channel.close()


async def test_request_after_a_refused_one_is_answered(channel: NetlinkChannel) -> None:
    with pytest.raises(KernelError):
        await channel.exchange("read a link", get_link(2**31 - 1))
    assert names(await channel.exchange("read a link", get_link(socket.if_nametoindex("lo")))) == {"lo"}
    channel.close()


async def test_silence_ends(channel: NetlinkChannel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "TIMEOUT", 0.01)
    with pytest.raises(KernelError, match="does not answer") as caught:
        await channel.exchange("make nothing", NetlinkMessage(1, b""))  # NLMSG_NOOP, and no ACK asked for
    assert caught.value.errno == errno.ETIMEDOUT
    channel.close()


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The kernel's end of the next channel: no real list can be made to change between two reads of a test's choice."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(0)
    monkeypatch.setattr(channels, "_open", lambda _: ours)
    yield its
    its.close()


def end(sequence: int, flags: int = 0) -> bytes:
    return NetlinkMessage(message.DONE, struct.pack("=i", 0), flags).encode(sequence)


def entry(name: str, sequence: int) -> bytes:
    text = name.encode() + b"\0"
    return NetlinkMessage(GET_LINK, BODY.pack(0, 0, 0, 1, 0, 0) + struct.pack("=HH", 4 + len(text), NAME) + text
                   ).encode(sequence)


async def test_list_that_changes_while_it_is_read_is_read_again(channel: NetlinkChannel, kernel: socket.socket) -> None:
    kernel.send(entry("old", 1) + end(1, message.INTERRUPTED))
    kernel.send(entry("new", 2) + end(2))
    assert names(await channel.exchange("read links", get_link(flags=DUMP))) == {"new"}
    channel.close()


async def test_list_that_changes_whenever_it_is_read_is_given_up(
        channel: NetlinkChannel, kernel: socket.socket) -> None:
    for sequence in range(1, channels.MAX_READINGS + 1):
        kernel.send(entry("old", sequence) + end(sequence, message.INTERRUPTED))
    with pytest.raises(KernelError, match=r"^can't read links: it changed each time it was read$") as caught:
        await channel.exchange("read links", get_link(flags=DUMP))
    assert caught.value.errno == errno.EINTR
    channel.close()


async def test_request_above_all_bounds_is_refused_before_it_is_sent(channel: NetlinkChannel) -> None:
    with pytest.raises(KernelError) as caught:
        await channel.exchange("ask", NetlinkMessage(GET_LINK, b"\0" * 10_000_000, ACK))
    assert caught.value.errno == errno.EMSGSIZE
    channel.close()


async def test_close_may_be_called_again_and_the_next_request_opens_anew(channel: NetlinkChannel) -> None:
    channel.close()
    await channel.exchange("read links", get_link(flags=DUMP))
    channel.close()
    channel.close()
    assert names(await channel.exchange("read a link", get_link(socket.if_nametoindex("lo")))) == {"lo"}
    channel.close()
