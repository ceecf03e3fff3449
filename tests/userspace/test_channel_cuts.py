"""However the socket cuts the frames, the messages come out as they went in, each with its descriptors."""

import asyncio
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lbproxy.dataplanes.userspace.shared import channel as module
from lbproxy.dataplanes.userspace.shared.channel import LENGTH_BYTES, Message

from .channel_ends import ChannelEnd, files
from .peers import until

FRAMES = st.lists(st.tuples(st.text(max_size=30), st.integers(0, 3)), max_size=6)


@given(frames=FRAMES, cuts=st.lists(st.integers(1, 40), max_size=40), read_size=st.integers(1, 60))
@settings(deadline=None, max_examples=60)
async def test_frames_may_be_cut_anywhere(frames: list[tuple[str, int]], cuts: list[int], read_size: int) -> None:
    ours, theirs = socket.socketpair()
    with pytest.MonkeyPatch.context() as patch, files([b"0", b"1", b"2"]) as descriptors:
        patch.setattr(module, "READ_BYTES", read_size)
        reader = ChannelEnd(theirs)
        for text, count in frames:
            await _send_in_pieces(ours, await _framed({"text": text}, descriptors[:count]), cuts, descriptors[:count])
        await until(lambda: len(reader.messages) == len(frames))
    reader.channel.close()
    ours.close()
    assert reader.messages == [{"text": text} for text, _ in frames]
    assert reader.contents == [[b"0", b"1", b"2"][:count] for _, count in frames]


async def _framed(message: Message, descriptors: list[int]) -> bytes:
    """The frame as a channel itself sends it."""
    ours, theirs = socket.socketpair()
    reader = ChannelEnd(ours)
    reader.channel.send(message, descriptors)
    frame, *_ = socket.recv_fds(theirs, 1 << 16, 0)
    reader.channel.close()
    theirs.close()
    assert int.from_bytes(frame[:LENGTH_BYTES], "big") == len(frame) - LENGTH_BYTES
    return frame


async def _send_in_pieces(sock: socket.socket, frame: bytes, cuts: list[int], descriptors: list[int]) -> None:
    """The descriptors go with the first byte, as channels send them."""
    for cut in (*cuts, len(frame)):
        if frame:
            socket.send_fds(sock, [frame[:cut]], descriptors)
            frame, descriptors = frame[cut:], []
            await asyncio.sleep(0)
