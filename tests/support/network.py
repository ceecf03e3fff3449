"""Client, balancer and backends as in a cluster: each in a network of its own, and no way back but by the balancer.

    client 10.1.0.2 --- 10.1.0.1 balancer 10.2.0.1 --- 10.2.0.2 backends 10.9.0.0/16
           fd01::2 ------ fd01::1          fd02::1 ------ fd02::2          fd09::/64

Backends know no route to the client: without masquerading no answer arrives, just as in a pod.
"""

from contextlib import ExitStack
from pathlib import Path
from typing import Self

from tests.support.netns import Namespace

CLIENT, CLIENT6 = "10.1.0.2", "fd01::2"
VIP, VIP6 = "10.1.0.1", "fd01::1"
"""The balancer's address that clients know."""
BACKENDS, BACKENDS6 = "10.9.0.1", "fd09::1"
"""An address for backends; every other in 10.9.0.0/16 and fd09::/64 is theirs too."""


class Network:
    """Three namespaces and the wires between them."""

    def __init__(self, client: Namespace, balancer: Namespace, backends: Namespace) -> None:
        self.client, self.balancer, self.backends = client, balancer, backends

    @classmethod
    def made(cls, stack: ExitStack) -> Self:
        """Make one, to go with the stack."""
        network = cls(*(Namespace.new() for _ in range(3)))
        for namespace in (network.client, network.balancer, network.backends):
            stack.callback(namespace.close)
        network._lay_wires()
        return network

    def _lay_wires(self) -> None:
        self.balancer.ip(
            f"link add clients type veth peer name balancer netns {self.client.path}",
            f"link add backends type veth peer name balancer netns {self.backends.path}",
            *_addresses("clients", f"{VIP}/24", f"{VIP6}/64"), *_addresses("backends", "10.2.0.1/24", "fd02::1/64"),
            "route add 10.9.0.0/16 via 10.2.0.2", "route add fd09::/64 via fd02::2")
        self.client.ip(*_addresses("balancer", f"{CLIENT}/24", f"{CLIENT6}/64"))
        self.backends.ip(*_addresses("balancer", "10.2.0.2/24", "fd02::2/64"),
                         "route add local 10.9.0.0/16 dev lo", "route add local fd09::/64 dev lo")
        with self.backends.entered():  # for IPv6 a local route is no permission to bind there
            Path("/proc/sys/net/ipv6/ip_nonlocal_bind").write_text("1")


def _addresses(device: str, *addresses: str) -> list[str]:
    return [f"link set {device} up", *(f"address add {_usable(address)} dev {device}" for address in addresses)]


def _usable(address: str) -> str:
    """At once: IPv6 would first ask around whether somebody else has it."""
    return f"{address} nodad" if ":" in address else address
