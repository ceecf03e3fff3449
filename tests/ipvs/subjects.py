"""What the contract suites test: the fake kernel and the real one, altered by other programs with the same commands."""

import ipaddress
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Protocol

from lbproxy.dataplanes.ipvs.kernel.ipvs import IpvsKernel
from lbproxy.dataplanes.ipvs.kernel.netfilter import NftTables
from lbproxy.dataplanes.ipvs.kernel.protocols import Kernel, LocalAddresses, Netfilter
from lbproxy.dataplanes.ipvs.planning.steps import AddDestination, AddService
from lbproxy.dataplanes.ipvs.planning.values import Destination, Mark, ServiceKey
from lbproxy.model.address import Address
from lbproxy.model.snapshot import Scheduler
from lbproxy.netlink.addresses import InterfaceAddresses
from tests.support.network import Network

from .fake_kernel import FakeAddresses, FakeKernel
from .fake_netfilter import FakeNetfilter


class Subject(Protocol):
    """One kernel, seen as lbproxy sees it and as other programs do."""

    @property
    def kernel(self) -> Kernel:
        """As lbproxy sees IPVS."""

    @property
    def netfilter(self) -> Netfilter:
        """As lbproxy sees nftables."""

    @property
    def addresses(self) -> LocalAddresses:
        """As lbproxy sees the interfaces."""

    def ipvsadm(self, *lines: str) -> None:
        """Another program alters IPVS, with lines such as ipvsadm(8) restores."""

    def nft(self, *commands: str) -> None:
        """Another program alters nftables, by commands of nft(8)."""

    def address(self, verb: str, address: str) -> None:
        """`ip address add` or `del`, on the loopback device."""

    def knock(self, key: Address) -> None:
        """A client sends its first packet there, and gets no answer."""

    async def close(self) -> None:
        """Take away whatever was made."""


class RealKernel:
    """The kernel that runs the tests, in the namespace of the balancer."""

    def __init__(self, network: Network) -> None:
        self.kernel, self.netfilter, self.addresses = IpvsKernel(), NftTables(), InterfaceAddresses()
        self._network = network
        self._clients = ExitStack()

    def ipvsadm(self, *lines: str) -> None:
        self._network.balancer.run("ipvsadm", "-R", given="".join(f"{line}\n" for line in lines))

    def nft(self, *commands: str) -> None:
        self._network.balancer.run("nft", "-f", "-", given="".join(f"{command}\n" for command in commands))

    def address(self, verb: str, address: str) -> None:
        self._network.balancer.ip(f"address {verb} {address} dev lo")

    def knock(self, key: Address) -> None:
        client = self._clients.enter_context(self._network.client.socket(key.family))
        client.settimeout(0)
        client.connect_ex(key)

    async def close(self) -> None:
        self._clients.close()
        for part in (self.kernel, self.netfilter, self.addresses):
            await part.close()
        self._network.balancer.run("ipvsadm", "-C")
        self._network.balancer.run("nft", "flush", "ruleset")


class FakeSubject:
    """The fake of all other tests here."""

    def __init__(self) -> None:
        self.kernel, self.netfilter, self.addresses = FakeKernel(), FakeNetfilter(), FakeAddresses()
        self.kernel.schedulers = {*Scheduler}

    def ipvsadm(self, *lines: str) -> None:
        for line in lines:
            words = line.replace("-m ", "-method m ").replace("-g ", "-method g ").split()
            command, option, name, *options = words
            if option != "-u":  # UDP is not dumped, so there is nothing to remember
                self._restore(command, _key(option, name), dict(zip(options[::2], options[1::2], strict=True)))

    def nft(self, *commands: str) -> None:
        for command in commands:
            self.netfilter.nft(command)

    def address(self, verb: str, address: str) -> None:
        host = str(ipaddress.ip_interface(address).ip)
        self.addresses.hosts = self.addresses.hosts | {host} if verb == "add" else self.addresses.hosts - {host}

    def knock(self, key: Address) -> None:
        first = next(address for address, weight in self.kernel.weights(key).items() if weight)
        self.kernel.connect(key, first)
        self.kernel.finish(key, first)

    async def close(self) -> None:
        pass

    def _restore(self, command: str, key: ServiceKey, options: Mapping[str, str]) -> None:
        if command == "-A":
            self.kernel.edit(AddService(key, options["-s"]))
            self.kernel.alter_service(key, is_plain=not {"-p", "-b"} & options.keys())
        else:
            address = Address.parse(options["-r"])
            self.kernel.edit(AddDestination(key, Destination(address, int(options["-w"]), int(options.get("-x", "0")))))
            is_masquerading, has_lower_threshold = options["-method"] == "m", "-y" in options
            self.kernel.alter(key, address, is_masquerading=is_masquerading, has_lower_threshold=has_lower_threshold)


def _key(option: str, named: str) -> ServiceKey:
    return Mark(socket.AF_INET, int(named)) if option == "-f" else Address.parse(named)
