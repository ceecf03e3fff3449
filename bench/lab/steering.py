"""Which CPU processes the packets that arrive somewhere, and how fast a link is: scripts that run in a namespace."""

from bench.lab.addresses import CLIENT, NODE
from bench.lab.shape import Places, Shape, Spreading, mask

BURST_BYTES = 128 * 1024
"""More than the largest bundle of segments (64 KB) that passes an interface as one."""
QUEUE_MILLISECONDS = 20
EVERY_INTERFACE = "for folder in /sys/class/net/*; do name=${folder##*/}; [ $name = lo ] && continue"


def script(role: str, shape: Shape, places: Places) -> str:
    """Return what sets up one namespace; empty when nothing is to be."""
    parts = [_steer(role, shape, places)]
    if shape.megabits and role in (CLIENT, NODE):
        parts.append(_limit("node" if role == CLIENT else "client", shape.megabits))
    return "\n".join(part for part in parts if part)


def _steer(role: str, shape: Shape, places: Places) -> str:
    if shape.spreading is Spreading.NONE:
        return ""
    if role != NODE:
        return _rps(mask(places.load))  # else they would be processed where the node sent them
    return _polled() if places.packets is None else _rps(mask(places.packets))


def _rps(cpus: str) -> str:
    """Steer all queues of all interfaces; tunnels have queues too, but deliver on the CPU that unwrapped."""
    return f"{EVERY_INTERFACE}; for queue in $folder/queues/rx-*; do echo {cpus} >$queue/rps_cpus; done; done"


def _polled() -> str:
    """Have a thread poll each queue: only with GRO does veth have queues that can be polled."""
    return f"""{EVERY_INTERFACE}
[ $name = overlay ] || {{ ethtool -K $name gro on; echo 1 >$folder/threaded; }}
done"""


def _limit(interface: str, megabits: int) -> str:
    limit = f"rate {megabits}mbit burst {BURST_BYTES} latency {QUEUE_MILLISECONDS}ms"
    return f"tc qdisc add dev {interface} root tbf {limit}"
