"""IPVS of the running kernel, by generic netlink (linux/ip_vs.h): one request for each step, each with its answer."""

import errno
import struct
from collections.abc import Iterable

from lbproxy.dataplanes.ipvs.kernel import encoding
from lbproxy.dataplanes.ipvs.kernel.encoding import Command
from lbproxy.dataplanes.ipvs.planning.values import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    Observed,
    ObservedService,
    Op,
    SetDestination,
    SetService,
    SetTimeouts,
    Timeouts,
)
from lbproxy.netlink.attributes import fields, number, text
from lbproxy.netlink.channel import ACK, DUMP, GENERIC, NetlinkChannel, NetlinkMessage
from lbproxy.netlink.errors import KernelError

FAMILY = "IPVS"
CONTROLLER, GET_FAMILY, FAMILY_ID, FAMILY_NAME = 16, 3, 1, 2
"""Generic netlink's own: gives the number for a name (linux/genetlink.h)."""
HEADER = struct.Struct("=BBH")
"""Command, version, reserved (`genlmsghdr`)."""
VERSION = 1


class IpvsKernel:
    """Implements `Kernel`."""

    def __init__(self) -> None:
        self._channel = NetlinkChannel(GENERIC)
        self._family = 0

    async def dump(self) -> Observed:
        """See `Kernel`."""
        answers = await self._ask("read the IPVS services", Command.GET_SERVICE, flags=DUMP)
        services = [service for service in map(encoding.service_read, answers) if service]
        return Observed({service.key: await self._with_destinations(service) for service in services},
                        await self._timeouts())

    async def do(self, op: Op) -> None:
        """See `Kernel`."""
        await self._ask(*_step(op))

    async def has_scheduler(self, name: str) -> bool:
        """See `Kernel`. Asks for a service that can't be: the errno of the refusal tells, and nothing is made.

        Linux' `ip_vs_add_service` (net/netfilter/ipvs/ip_vs_ctl.c) looks for the scheduler first (ENOENT) and at the
        length of an IPv6 prefix next (EINVAL), before it touches its tables. Read in old and new sources, tried on 6.1.
        """
        try:
            await self._ask(f"ask for the IPVS scheduler {name}", Command.NEW_SERVICE, encoding.impossible(name))
        except KernelError as error:
            if error.errno in {errno.EINVAL, errno.ENOENT}:
                return error.errno == errno.EINVAL
            raise
        raise KernelError(f"can't ask for the IPVS scheduler {name}: no refusal of a service that can't be", errno.EIO)

    async def close(self) -> None:
        """See `Kernel`."""
        self._channel.close()

    async def _with_destinations(self, service: ObservedService) -> ObservedService:
        doing = f"read the IPVS destinations of {service.key}"
        answers = await self._ask(doing, Command.GET_DEST, encoding.key(service.key), flags=DUMP)
        return encoding.with_destinations(service, answers)

    async def _timeouts(self) -> Timeouts:
        answers = await self._ask("read the IPVS timeouts", Command.GET_CONFIG)
        return encoding.timeouts_read(answers[0])

    async def _ask(self, doing: str, command: Command, *attributes: bytes, flags: int = ACK) -> list[bytes]:
        if not self._family:
            self._family = await self._find_family()
        message = _message(self._family, command, attributes, flags)
        return [answer[HEADER.size:] for answer in await self._channel.exchange(doing, message)]

    async def _find_family(self) -> int:
        """Ask for IPVS by its name, which makes a kernel that has it as a module load it."""
        message = _message(CONTROLLER, GET_FAMILY, [text(FAMILY_NAME, FAMILY)], ACK)
        try:
            answer, = await self._channel.exchange("reach IPVS", message)
        except KernelError as error:
            if error.errno == errno.ENOENT:
                raise KernelError("this kernel has no IPVS: on the node run modprobe ip_vs and name it in "
                                  "/etc/modules-load.d, or use --dataplane=userspace", errno.ENOENT) from error
            raise
        return number(fields(answer[HEADER.size:])[FAMILY_ID])


def _message(kind: int, command: int, attributes: Iterable[bytes], flags: int) -> NetlinkMessage:
    return NetlinkMessage(kind, HEADER.pack(command, VERSION, 0) + b"".join(attributes), flags)


def _step(op: Op) -> tuple[str, Command, *tuple[bytes, ...]]:
    """Say it in words, and to the kernel."""
    step: tuple[str, Command, *tuple[bytes, ...]]
    match op:
        case AddService(key, scheduler):
            step = (f"make the IPVS service {key} with scheduler {scheduler}",
                    Command.NEW_SERVICE, encoding.service(key, scheduler))
        case SetService(key, scheduler):
            step = (f"set the IPVS service {key} to scheduler {scheduler}",
                    Command.SET_SERVICE, encoding.service(key, scheduler))
        case DeleteService(key):
            step = f"delete the IPVS service {key}", Command.DEL_SERVICE, encoding.key(key)
        case AddDestination(key, destination):
            step = (f"add the destination {destination.address} to the IPVS service {key}",
                    Command.NEW_DEST, encoding.key(key), encoding.destination(destination))
        case SetDestination(key, destination):
            step = (f"set the destination {destination.address} of the IPVS service {key}",
                    Command.SET_DEST, encoding.key(key), encoding.destination(destination))
        case DeleteDestination(key, address):
            step = (f"delete the destination {address} of the IPVS service {key}",
                    Command.DEL_DEST, encoding.key(key), encoding.place(address))
        case SetTimeouts(timeouts):
            step = "set the IPVS timeouts", Command.SET_CONFIG, encoding.timeouts(timeouts)
    return step
