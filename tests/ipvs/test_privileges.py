"""What the kernel lets a process do that has no capabilities."""

import errno
import json
import sys

import pytest

from tests.support.network import Network

pytestmark = pytest.mark.kernel

NOTHING = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
PROGRAM = """
import asyncio, json
from lbproxy.dataplanes.ipvs.kernel.ipvs import IpvsKernel
from lbproxy.dataplanes.ipvs.kernel.netfilter import NftTables
from lbproxy.dataplanes.ipvs.planning.steps import AddService
from lbproxy.dataplanes.ipvs.planning.values import Ruleset
from lbproxy.model.address import Address
from lbproxy.netlink.addresses import InterfaceAddresses
from lbproxy.netlink.errors import KernelError

async def tried(attempt):
    try:
        await attempt
    except KernelError as error:
        return error.errno, str(error)
    return 0, ""

async def main():
    kernel, tables = IpvsKernel(), NftTables()
    print(json.dumps([await tried(kernel.dump()), await tried(kernel.do(AddService(Address("10.1.0.1", 80), "lc"))),
                      await tried(tables.read()), await tried(tables.replace(Ruleset())),
                      await tried(InterfaceAddresses().read())]))

asyncio.run(main())
"""


def test_refusal_for_want_of_net_admin_is_known_by_its_number(network: Network) -> None:
    told = json.loads(network.balancer.run(*NOTHING, sys.executable, "-c", PROGRAM))
    assert told == [
        [errno.EPERM, "can't read the IPVS services: Operation not permitted"],
        [errno.EPERM, "can't add the IPVS service 10.1.0.1:80 with scheduler lc: Operation not permitted"],
        [errno.EPERM, "can't read our nftables: Operation not permitted"],
        [errno.EPERM, "can't write our nftables: Operation not permitted"],
        [0, ""]]
