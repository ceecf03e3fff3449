"""The three ways to another node's pods, as lines for `ip`: what flannel sets up for each of its backends. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.lab.addresses import NODE, OVERLAY_HOST, ROUTER_BEFORE_NODE, Worker, workers
from bench.lab.shape import Fabric, Overlay, Shape, mtu
from bench.lab.wiring import Lines

DEVICE = "overlay"
VXLAN_PORT = 8472
OVERLAY_NET = "10.97.0.0/24"
NODE_MAC = "02:97:00:00:00:00"


def lines(shape: Shape) -> Lines:
    """Return what the balancer's node and the workers need to reach the pods and the way back."""
    return _KINDS[shape.overlay](shape)


def forwarding(shape: Shape) -> Lines:
    """Return, as lines for `bridge`, on which node each hardware address of the overlay is."""
    if shape.overlay is not Overlay.VXLAN:
        return {}
    found: Lines = {NODE: []}
    for worker in workers(shape):
        found[NODE].append(f"fdb append {_mac(worker)} dev {DEVICE} dst {worker.host}")
        found[worker.role] = [f"fdb append {NODE_MAC} dev {DEVICE} dst {worker.node_host(shape.fabric)}"]
    return found


@dataclass(frozen=True, slots=True)
class Encapsulator:
    """The process of one node in the mode `udp`: where it listens, and which node has which network."""

    role: str
    host: str
    peers: dict[str, str]


def encapsulators(shape: Shape) -> list[Encapsulator]:
    """Return the processes that the overlay needs."""
    if shape.overlay is not Overlay.UDP:
        return []
    nodes = workers(shape)
    own = Encapsulator(NODE, "0.0.0.0", {node.pods: node.host for node in nodes})  # noqa: S104 - a lab's own
    back = [Encapsulator(node.role, node.host, {OVERLAY_NET: node.node_host(shape.fabric)}) for node in nodes]
    return [own, *back]


def _host_gw(shape: Shape) -> Lines:
    """Behind a router the next hop is the router, which is where such a packet gets lost."""
    is_routed = shape.fabric is Fabric.ROUTED
    return {NODE: [
        f"route add {worker.pods} via {ROUTER_BEFORE_NODE if is_routed else worker.host}" for worker in workers(shape)
    ]}


def _vxlan(shape: Shape) -> Lines:
    """As flannel: no learning, every peer's hardware address and node known beforehand."""
    found = {NODE: _vxlan_device(shape, OVERLAY_HOST, NODE_MAC)}
    for worker in workers(shape):
        found[NODE] += [
            f"neigh add {worker.overlay_host} lladdr {_mac(worker)} dev {DEVICE} nud permanent",
            f"route add {worker.pods} via {worker.overlay_host} dev {DEVICE} onlink",
        ]
        found[worker.role] = [
            *_vxlan_device(shape, worker.overlay_host, _mac(worker)),
            f"neigh add {OVERLAY_HOST} lladdr {NODE_MAC} dev {DEVICE} nud permanent",
            f"route add {OVERLAY_HOST}/32 dev {DEVICE}",
        ]
    return found


def _vxlan_device(shape: Shape, host: str, mac: str) -> list[str]:
    return [
        f"link add {DEVICE} mtu {mtu(shape.overlay)} address {mac} type vxlan id 1 dstport {VXLAN_PORT} nolearning",
        f"address add {host}/32 dev {DEVICE}", f"link set {DEVICE} up",
    ]


def _udp(shape: Shape) -> Lines:
    """Every pod lies behind one TUN device, whose process knows the nodes."""
    nodes = workers(shape)
    found = {NODE: [*_tun_device(shape, OVERLAY_HOST), *(f"route add {node.pods} dev {DEVICE}" for node in nodes)]}
    for worker in nodes:
        found[worker.role] = [*_tun_device(shape, worker.overlay_host), f"route add {OVERLAY_HOST}/32 dev {DEVICE}"]
    return found


def _tun_device(shape: Shape, host: str) -> list[str]:
    return [
        f"tuntap add {DEVICE} mode tun", f"address add {host}/32 dev {DEVICE}",
        f"link set {DEVICE} mtu {mtu(shape.overlay)} up",
    ]


def _mac(worker: Worker) -> str:
    return f"02:97:00:00:00:{worker.number:02x}"


_KINDS: dict[Overlay, Callable[[Shape], Lines]] = {
    Overlay.HOST_GW: _host_gw, Overlay.VXLAN: _vxlan, Overlay.UDP: _udp,
}
