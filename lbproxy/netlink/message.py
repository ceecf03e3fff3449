"""Netlink's messages (netlink(7), `struct nlmsghdr` in linux/netlink.h): requests written, answers read. Pure."""

import errno
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from lbproxy.netlink.attributes import aligned, fields, string

REQUEST, ACK, CREATE, APPEND, DUMP = 0x1, 0x4, 0x400, 0x800, 0x300
"""Flags of requests (NLM_F_*): it is one, an answer is wanted, make what is missing, put it last, read a whole list."""
HEADER = struct.Struct("=IHHII")
"""`struct nlmsghdr`: length with this header, kind, flags, sequence number, port id."""
ERROR, DONE = 2, 3
"""The kinds of last answers (NLMSG_*): ERROR, which is an acknowledgement if its error number is 0, and DONE, the end
of a list."""
INTERRUPTED = 0x10
"""NLM_F_DUMP_INTR, a flag of an answer: the list has changed while it was read."""
HAS_ATTRIBUTES = 0x200
"""NLM_F_ACK_TLVS, a flag of an error: attributes with the kernel's own explanation follow it."""
EXPLANATION = 1
"""NLMSGERR_ATTR_MSG: the explanation as text."""
ERROR_NUMBER = struct.Struct("=i")
"""A negative errno, or 0."""


@dataclass(frozen=True, slots=True)
class NetlinkMessage:
    """One request, without its header."""

    kind: int
    """As the protocol defines it (`nlmsg_type`)."""
    body: bytes
    flags: int = 0
    """NLM_F_*; REQUEST is added to them."""

    def encode(self, sequence: int) -> bytes:
        """Write the message with its header, aligned to 4 bytes."""
        size = HEADER.size + len(self.body)
        # The length is that without the padding.
        header = HEADER.pack(size, self.kind, self.flags | REQUEST, sequence, 0)
        return header + self.body.ljust(aligned(len(self.body)), b"\0")


@dataclass(frozen=True, slots=True)
class NetlinkAnswer:
    """One answer, without its header."""

    kind: int
    flags: int
    body: bytes

    @property
    def is_last(self) -> bool:
        """Whether no other answer to the request follows."""
        return self.kind in {ERROR, DONE}

    def check(self) -> None:
        """Raise `OSError`, with the kernel's explanation if there is one, unless this last answer says success."""
        code: int = ERROR_NUMBER.unpack_from(self.body)[0] if self.body else 0
        if code:
            request_size = HEADER.size if self.kind == ERROR else 0  # an error repeats the header of the request
            rest = self.body[ERROR_NUMBER.size + request_size:]
            found = fields(rest) if self.flags & HAS_ATTRIBUTES else {}
            explanation = f" ({string(found[EXPLANATION])})" if EXPLANATION in found else ""
            raise OSError(-code, os.strerror(-code) + explanation)


def answers(received: bytes, sequence: int) -> Iterator[NetlinkAnswer]:
    """Give the answers to the request of this number; others are left out.

    Raises `InterruptedError` at one that says that the list has changed while it was read.
    """
    offset = 0
    while offset + HEADER.size <= len(received):
        size, kind, flags, number, _ = HEADER.unpack_from(received, offset)
        if number == sequence:
            if flags & INTERRUPTED:
                raise InterruptedError(errno.EINTR, "it changed each time it was read")
            yield NetlinkAnswer(kind, flags, received[offset + HEADER.size:offset + size])
        # At least a header: a size of 0 would loop for ever.
        offset += aligned(max(size, HEADER.size))
