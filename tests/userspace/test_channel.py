"""Messages and descriptors arrive whole, in order and together; what can't be sent yet waits."""

import os
import socket

from lbproxy.dataplanes.userspace.shared.channel import MAX_DESCRIPTORS

from .channel_ends import ChannelEnd, connected, files
from .peers import until

LOTS = "x" * 300_000
"""More than a socket takes at once."""


async def test_messages_pass_both_ways_in_order() -> None:
    async with connected() as (left, right):
        for number in range(100):
            left.channel.send({"number": number})
        right.channel.send({"answer": "ü"})
        await until(lambda: len(right.messages) == 100 and len(left.messages) == 1)
        assert [message["number"] for message in right.messages] == list(range(100))
        assert left.messages == [{"answer": "ü"}]


async def test_descriptor_arrives_with_its_message() -> None:
    async with connected() as (left, right):
        with files([b"one", b"two", b"three"]) as (one, two, three):
            left.channel.send({"n": 1}, [one])
            left.channel.send({"n": 2})
            left.channel.send({"n": 3}, [two, three])
        await until(lambda: len(right.messages) == 3)
        assert right.contents == [[b"one"], [], [b"two", b"three"]]


async def test_what_the_other_side_does_not_take_yet_waits() -> None:
    """Far more than the socket holds; nothing blocks."""
    async with connected() as (left, right):
        for number in range(10):
            left.channel.send({"number": number, "lots": LOTS})
        left.channel.send({"number": 10})
        await until(lambda: len(right.messages) == 11)
        assert [message["number"] for message in right.messages] == list(range(11))


async def test_descriptors_of_a_message_that_is_sent_in_parts_arrive_once() -> None:
    async with connected() as (left, right):
        with files([b"one", b"two"]) as (one, two):
            left.channel.send({"lots": LOTS * 3}, [one])
            left.channel.send({}, [two])
        await until(lambda: len(right.messages) == 2)
        assert right.contents == [[b"one"], [b"two"]]


async def test_descriptor_that_waits_may_be_closed_meanwhile() -> None:
    """Its number may even be in use for something else when its message is sent."""
    async with connected() as (left, right):
        left.channel.send({"lots": LOTS * 3})
        with files([b"right"]) as descriptors:
            left.channel.send({"op": "listen"}, descriptors)
        with files([b"wrong"] * 3):
            await until(lambda: len(right.messages) == 2)
        assert (right.contents[1], left.ends) == ([b"right"], 0)


async def test_as_many_descriptors_as_the_kernel_allows() -> None:
    async with connected() as (left, right):
        with files([b"same"]) as (descriptor,):
            left.channel.send({}, [descriptor] * MAX_DESCRIPTORS)
        await until(lambda: bool(right.messages))
        assert right.contents == [[b"same"] * MAX_DESCRIPTORS]


async def test_end_is_told_once_after_the_last_message() -> None:
    async with connected() as (left, right):
        left.channel.send({"last": "words"})
        left.channel.close()
        await until(lambda: bool(right.ends))
        left.channel.send({"never": "sent"})
        assert (right.messages, right.ends, left.ends) == ([{"last": "words"}], 1, 0)
        right.channel.send({"nobody": "listens"})
        right.channel.close()
        assert right.ends == 1


async def test_closed_channel_leaves_no_descriptor() -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - only how many
    async with connected() as (left, _):
        with files([b"unsent"]) as descriptors:
            left.channel.send({"lots": LOTS * 3})
            left.channel.send({}, descriptors)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


async def test_writing_to_a_side_that_is_gone_is_the_end() -> None:
    ours, theirs = socket.socketpair()
    reader = ChannelEnd(ours)
    reader.channel.send({"lots": LOTS * 3})
    theirs.close()
    await until(lambda: bool(reader.ends))
    assert reader.ends == 1
