"""What the kernel answers when it is asked; the only file here that knows pyroute2. Nothing is changed by asking.

Asking may make the kernel load a module, just as `lbproxy run` would: reading lists of modules proves nothing, as
IPVS may be built in, or be loaded on demand (kubernetes/kubernetes#63801).
"""

import asyncio
import errno
import socket
import sys
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyroute2.netlink import NLM_F_ACK, NLM_F_REQUEST  # type: ignore[import-untyped]  # the library has no types
from pyroute2.netlink.exceptions import NetlinkError  # type: ignore[import-untyped]
from pyroute2.netlink.generic import AsyncGenericNetlinkSocket, ipvs  # type: ignore[import-untyped]
from pyroute2.netlink.nfnetlink import nftsocket  # type: ignore[import-untyped]

ANSWER_WITHIN = 5.0
"""Seconds: a module may have to be loaded first."""
MARK = 0x6C_62_70_64
"""The fwmark of the service that the kernel refuses to create; any would do."""

ASK = NLM_F_REQUEST | NLM_F_ACK


@dataclass(frozen=True, slots=True)
class Answers:
    """What each question was answered with: 0, or an errno."""

    ipvs: int
    schedulers: Mapping[str, int]
    """EINVAL means that there is such a scheduler, ENOENT that there is none: see `_ask_scheduler`."""
    nftables: int
    tcp_timeout: int | None = None
    """Seconds after which IPVS forgets a silent connection."""


async def ask(schedulers: Iterable[str]) -> Answers:
    """Ask the kernel for IPVS, for these schedulers of it, and for nftables. Raises nothing: errors are answers."""
    timeouts: list[int] = []
    return Answers(
        ipvs=await _answer(_ask_ipvs(timeouts)),
        schedulers={name: await _answer(_ask_scheduler(name)) for name in schedulers},
        nftables=await _answer(_ask_nftables()),
        tcp_timeout=timeouts[0] if timeouts else None,
    )


async def _answer(question: Coroutine[None, None, None]) -> int:
    try:
        async with asyncio.timeout(ANSWER_WITHIN):
            await question
    except NetlinkError as error:
        return int(error.code)
    except TimeoutError:
        return errno.ETIMEDOUT
    except OSError as error:  # no such kind of socket here, or a seccomp profile forbids it
        return error.errno or errno.EIO
    return 0


async def _ask_ipvs(timeouts: list[int]) -> None:
    """Read that of TCP, into `timeouts`: it needs what writing needs, and changes nothing."""
    replies = await _request(ipvs.IPVS_CMD_GET_CONFIG)
    timeouts += [_number(octets) for reply in replies if (octets := reply.get_attr("IPVS_CMD_ATTR_TIMEOUT_TCP"))]


def _number(octets: str) -> int:
    """Read `84:03:00:00`, as the library leaves it, for 900."""
    return int.from_bytes(bytes.fromhex(octets.replace(":", "")), sys.byteorder)


async def _ask_scheduler(name: str) -> None:
    """Ask for a service that can't be: IPv6 with a prefix of 0 bits.

    Linux' `ip_vs_add_service` looks for the scheduler first (ENOENT) and at the prefix next (EINVAL), and only then
    does it touch its tables: so the errno tells, and nothing was made. Read in old and new sources, tried on 6.1.
    """
    await _request(ipvs.IPVS_CMD_NEW_SERVICE, [("IPVS_CMD_ATTR_SERVICE", {"attrs": [
        ("IPVS_SVC_ATTR_AF", socket.AF_INET6),
        ("IPVS_SVC_ATTR_FWMARK", MARK),
        ("IPVS_SVC_ATTR_SCHED_NAME", name),
        ("IPVS_SVC_ATTR_FLAGS", {"flags": 0, "mask": 0xFFFF_FFFF}),
        ("IPVS_SVC_ATTR_TIMEOUT", 0),
        ("IPVS_SVC_ATTR_NETMASK", "0.0.0.0"),  # noqa: S104 - no address but the prefix, as IPVS wants it
    ]})])


class _Quiet(AsyncGenericNetlinkSocket):  # type: ignore[misc]  # its base is untyped
    module_err_level = "debug"  # the library logs an absent family as an error; for us it is an answer


async def _request(command: int, attributes: Sequence[object] = ()) -> list[Any]:
    """Ask the family IPVS, and give its replies."""
    message = ipvs.ipvsmsg()
    message["cmd"], message["version"], message["attrs"] = command, ipvs.GENL_VERSION, [*attributes]
    async with _Quiet() as netlink:
        await netlink.bind(ipvs.GENL_NAME, ipvs.ipvsmsg)
        return [reply async for reply in await netlink.nlm_request(message, msg_type=netlink.prid, msg_flags=ASK)]


async def _ask_nftables() -> None:
    """Read the generation of the rule set: it needs what writing needs, and changes nothing."""
    async with nftsocket.AsyncNFTSocket() as netlink:
        async for _ in await netlink.request_get(nftsocket.nft_gen_msg(), nftsocket.NFT_MSG_GETGEN, ASK):
            pass
