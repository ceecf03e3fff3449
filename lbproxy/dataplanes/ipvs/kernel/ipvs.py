"""IPVS of the running kernel over generic netlink: one request for each step, and its answer."""

import errno
import struct
from collections.abc import Iterable

from lbproxy.dataplanes.ipvs.kernel.ipvs_attributes import (
    IpvsCommand,
    decode_destinations,
    decode_service,
    decode_timeouts,
    encode_destination,
    encode_destination_address,
    encode_impossible_service,
    encode_service,
    encode_service_key,
    encode_timeouts,
)
from lbproxy.dataplanes.ipvs.planning.steps import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    SetDestination,
    SetService,
    SetTimeouts,
    Step,
)
from lbproxy.dataplanes.ipvs.planning.values import Observed, ObservedService, Timeouts
from lbproxy.netlink.attributes import fields, number, text
from lbproxy.netlink.errors import KernelError
from lbproxy.netlink.message import ACK, DUMP, NetlinkMessage
from lbproxy.netlink.netlink_channel import GENERIC, NetlinkChannel

FAMILY = "IPVS"
"""IPVS_GENL_NAME. Its number is given at run time."""
CONTROLLER, GET_FAMILY, FAMILY_ID, FAMILY_NAME = 16, 3, 1, 2
"""GENL_ID_CTRL, CTRL_CMD_GETFAMILY and CTRL_ATTR_* (linux/genetlink.h): the request for the number of a name."""
HEADER = struct.Struct("=BBH")
"""`struct genlmsghdr`: command, version, reserved."""
VERSION = 1


class IpvsKernel:
    """Implements `Kernel`. All requests need CAP_NET_ADMIN in the initial user namespace (GENL_ADMIN_PERM)."""

    def __init__(self) -> None:
        self._channel = NetlinkChannel(GENERIC)
        self._family = 0

    async def dump(self) -> Observed:
        """See `Kernel`."""
        answers = await self._ask("read the IPVS services", IpvsCommand.GET_SERVICE, flags=DUMP)
        # Destinations are read service by service, as IPVS_CMD_GET_DEST takes one.
        services = [service for service in map(decode_service, answers) if service]
        return Observed({service.key: await self._with_destinations(service) for service in services},
                        await self._timeouts())

    async def do(self, step: Step) -> None:
        """See `Kernel`."""
        await self._ask(str(step), *_request(step))

    async def has_scheduler(self, name: str) -> bool:
        """See `Kernel`. Asks for a service that the kernel must refuse: the error number tells, and nothing is made.

        Linux' `ip_vs_add_service` (net/netfilter/ipvs/ip_vs_ctl.c) looks for the scheduler first (ENOENT) and at the
        length of an IPv6 prefix next (EINVAL), before it touches its tables. Read in old and new sources, tried on 6.1.
        """
        try:
            await self._ask(f"ask for the IPVS scheduler {name}", IpvsCommand.NEW_SERVICE,
                            encode_impossible_service(name))
        except KernelError as error:
            if error.errno in {errno.EINVAL, errno.ENOENT}:
                return error.errno == errno.EINVAL
            raise
        raise KernelError(f"can't ask for the IPVS scheduler {name}: no refusal of a service that can't be", errno.EIO)

    async def close(self) -> None:
        """See `Kernel`."""
        self._channel.close()

    async def _with_destinations(self, service: ObservedService) -> ObservedService:
        attempt = f"read the IPVS destinations of {service.key}"
        answers = await self._ask(attempt, IpvsCommand.GET_DEST, encode_service_key(service.key), flags=DUMP)
        return decode_destinations(service, answers)

    async def _timeouts(self) -> Timeouts:
        answers = await self._ask("read the IPVS timeouts", IpvsCommand.GET_CONFIG)
        return decode_timeouts(answers[0])

    async def _ask(self, attempt: str, command: IpvsCommand, *attributes: bytes, flags: int = ACK) -> list[bytes]:
        if not self._family:
            self._family = await self._find_family()
        message = _message(self._family, command, attributes, flags)
        return [answer[HEADER.size:] for answer in await self._channel.exchange(attempt, message)]

    async def _find_family(self) -> int:
        """Ask for the number of the family IPVS.

        The question makes a kernel that has IPVS as a module load it, so it is the only sure way to learn whether IPVS
        is there; /proc/modules does not list what is built in or not loaded yet.
        """
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


def _request(step: Step) -> tuple[IpvsCommand, *tuple[bytes, ...]]:
    request: tuple[IpvsCommand, *tuple[bytes, ...]]
    match step:
        case AddService(key, scheduler):
            request = IpvsCommand.NEW_SERVICE, encode_service(key, scheduler)
        case SetService(key, scheduler):
            request = IpvsCommand.SET_SERVICE, encode_service(key, scheduler)
        case DeleteService(key):
            request = IpvsCommand.DEL_SERVICE, encode_service_key(key)
        case AddDestination(key, destination):
            request = IpvsCommand.NEW_DEST, encode_service_key(key), encode_destination(destination)
        case SetDestination(key, destination):
            request = IpvsCommand.SET_DEST, encode_service_key(key), encode_destination(destination)
        case DeleteDestination(key, address):
            request = IpvsCommand.DEL_DEST, encode_service_key(key), encode_destination_address(address)
        case SetTimeouts(timeouts):
            request = IpvsCommand.SET_CONFIG, encode_timeouts(timeouts)
    return request
