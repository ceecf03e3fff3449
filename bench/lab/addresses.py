"""Who has which address in a lab. Every lab has the same ones: namespaces keep them apart. Pure."""

from dataclasses import dataclass

from bench.lab.shape import Fabric, Shape
from bench.net import Address

CLIENT, NODE, ROUTER = "client", "node", "router"
SERVICE = Address("10.99.0.1", 8888)
"""Where the balancer listens: an address of its node."""
CLIENT_HOST = "10.99.0.2"
POD_PORT = 80
NODE_BEHIND_ROUTER, ROUTER_BEFORE_NODE = "10.99.200.2", "10.99.200.1"
OVERLAY_HOST = "10.97.0.1"
"""The balancer node's own address among the pods."""
FIRST_POD = 10


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker node, numbered from 1."""

    number: int

    @property
    def role(self) -> str:
        """Return its name in the lab."""
        return f"worker{self.number}"

    @property
    def host(self) -> str:
        """Return its address among the nodes."""
        return f"10.99.{self.number}.2"

    @property
    def neighbour(self) -> str:
        """Return the address at the other end of its wire."""
        return f"10.99.{self.number}.1"

    @property
    def nodes(self) -> str:
        """Return the network of that wire."""
        return f"10.99.{self.number}.0/24"

    @property
    def client_side(self) -> tuple[str, str]:
        """Return its own and the client's address on the wire between them, past the balancer's node."""
        return f"10.98.{self.number}.1", f"10.98.{self.number}.2"

    @property
    def pods(self) -> str:
        """Return the network of its pods."""
        return f"10.97.{self.number}.0/24"

    @property
    def gateway(self) -> str:
        """Return its address towards its pods."""
        return f"10.97.{self.number}.1"

    @property
    def overlay_host(self) -> str:
        """Return the address of its end of the overlay, as flannel chooses it."""
        return f"10.97.{self.number}.0"

    def node_host(self, fabric: Fabric) -> str:
        """Return the address under which it knows the balancer's node."""
        return self.neighbour if fabric is Fabric.SWITCHED else NODE_BEHIND_ROUTER


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod, numbered from 0, and the worker that it is on."""

    number: int
    worker: Worker
    port: int = POD_PORT

    @property
    def role(self) -> str:
        """Return its name in the lab."""
        return f"pod{self.number}"

    @property
    def address(self) -> Address:
        """Return where it answers."""
        return Address(f"10.97.{self.worker.number}.{FIRST_POD + self.number}", self.port)


def workers(shape: Shape) -> tuple[Worker, ...]:
    """Return the workers of a lab."""
    return tuple(Worker(number) for number in range(1, shape.workers + 1))


def pods(shape: Shape) -> tuple[Pod, ...]:
    """Return the pods of a lab, neighbours in number on different workers."""
    nodes = workers(shape)
    return tuple(Pod(number, nodes[number % len(nodes)]) for number in range(shape.pods))


def roles(shape: Shape) -> tuple[str, ...]:
    """Return the names of all that has a network of its own."""
    router = (ROUTER,) if shape.fabric is Fabric.ROUTED else ()
    return (CLIENT, NODE, *router, *(node.role for node in workers(shape)), *(pod.role for pod in pods(shape)))
