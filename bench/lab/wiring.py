"""The wires of a lab and the plain routes over them, as lines for `ip`. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.lab.addresses import (
    CLIENT,
    CLIENT_HOST,
    NODE,
    NODE_BEHIND_ROUTER,
    ROUTER,
    ROUTER_BEFORE_NODE,
    SERVICE,
    Pod,
    Worker,
    pods,
    workers,
)
from bench.lab.shape import Fabric, Shape

Lines = dict[str, list[str]]
"""What `ip` is to do, by role."""
BRIDGE = "pods"


@dataclass(frozen=True, slots=True)
class End:
    """One end of a wire: whose, the interface there, and its address with the prefix's length; None on a bridge."""

    role: str
    interface: str
    address: str | None


Wire = tuple[End, End]


def wires(shape: Shape) -> list[Wire]:
    """Return every wire of a lab."""
    to_client = (End(NODE, "client", f"{SERVICE.host}/24"), End(CLIENT, "node", f"{CLIENT_HOST}/24"))
    nodes = workers(shape)
    return [to_client, *_fabric(shape), *map(_direct, nodes), *map(_pod, pods(shape))]


def links(wired: Sequence[Wire], queues: int, names: Mapping[str, str]) -> list[str]:
    """Return lines that lay `wired` between namespaces named by role; no end is ever outside of them."""
    several = f"numtxqueues {queues} numrxqueues {queues}"
    return [
        f"link add {a.interface} netns {names[a.role]} {several} type veth "
        f"peer name {b.interface} netns {names[b.role]} {several}"
        for a, b in wired
    ]


def lines(shape: Shape, wired: Sequence[Wire]) -> Lines:
    """Return addresses, bridges and the routes that need no overlay."""
    found: Lines = {}
    for worker in workers(shape):
        found[worker.role] = [
            f"link add {BRIDGE} type bridge", f"address add {worker.gateway}/24 dev {BRIDGE}", f"link set {BRIDGE} up",
        ]
    for wire in wired:
        for end in wire:
            found.setdefault(end.role, []).extend(_up(end))
    for role, routes in _routes(shape).items():
        found[role] += routes
    return found


def _fabric(shape: Shape) -> list[Wire]:
    nodes = workers(shape)
    if shape.fabric is Fabric.SWITCHED:
        return [(End(NODE, node.role, f"{node.neighbour}/24"), End(node.role, "nodes", f"{node.host}/24"))
                for node in nodes]
    up = (End(NODE, ROUTER, f"{NODE_BEHIND_ROUTER}/24"), End(ROUTER, "node", f"{ROUTER_BEFORE_NODE}/24"))
    return [up, *((End(ROUTER, node.role, f"{node.neighbour}/24"), End(node.role, "nodes", f"{node.host}/24"))
                  for node in nodes)]


def _direct(worker: Worker) -> Wire:
    own, clients = worker.client_side
    return End(worker.role, "client", f"{own}/24"), End(CLIENT, worker.role, f"{clients}/24")


def _pod(pod: Pod) -> Wire:
    return End(pod.worker.role, pod.role, None), End(pod.role, "eth0", f"{pod.address.host}/24")


def _up(end: End) -> list[str]:
    if end.address is None:
        return [f"link set {end.interface} master {BRIDGE} up"]
    return [f"address add {end.address} dev {end.interface}", f"link set {end.interface} up"]


def _routes(shape: Shape) -> Lines:
    found: Lines = {CLIENT: [], NODE: []}
    for worker in workers(shape):
        found[CLIENT].append(f"route add {worker.pods} via {worker.client_side[0]}")
        found[worker.role] = []
        if shape.fabric is Fabric.ROUTED:
            found[NODE].append(f"route add {worker.nodes} via {ROUTER_BEFORE_NODE}")
            found[worker.role].append(f"route add {NODE_BEHIND_ROUTER}/32 via {worker.neighbour}")
    return found | {pod.role: [f"route add default via {pod.worker.gateway}"] for pod in pods(shape)}
