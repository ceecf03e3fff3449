"""Whether IPVS would work here: asked of the kernel itself, with nothing changed."""

import errno

from lbproxy.dataplanes.ipvs.kernel import sysctls
from lbproxy.dataplanes.ipvs.kernel.address_reservations import Lock
from lbproxy.dataplanes.ipvs.reconciler import Machine
from lbproxy.model.errors import BindError
from lbproxy.netlink.errors import KernelError

ADVICE = {
    errno.EPERM: "the capability NET_ADMIN is missing, in the node's own user namespace",
    errno.EACCES: "the capability NET_ADMIN is missing, in the node's own user namespace",
}


async def why_not(machine: Machine, *, ipv4: bool, ipv6: bool) -> str | None:
    """Give what is in the way of services of these families, in one line with what to do; None if nothing is."""
    try:
        await machine.kernel.dump()
        await machine.netfilter.read()
        await machine.addresses.read()
    except KernelError as error:
        return f"{ADVICE[error.errno]} ({error})" if error.errno in ADVICE else str(error)
    if trouble := _rival(machine.lock):
        return trouble
    for setting in sysctls.lacking(sysctls.needed(ipv4=ipv4, ipv6=ipv6), machine.sysctls):
        return f"{setting.name} can't be set to {setting.value}; {sysctls.advice(setting)}"
    return None


def _rival(name: str) -> str | None:
    """Who else keeps IPVS here, as an error says it."""
    lock = Lock(name)
    try:
        lock.take()
    except BindError as error:
        return str(error)
    lock.release()
    return None
