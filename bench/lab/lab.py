"""A lab that stands: made from a shape in one go, removed whatever happens."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from bench.backends import fill
from bench.errors import LabError
from bench.lab import overlays, wiring
from bench.lab.addresses import CLIENT, NODE, SERVICE, Pod, pods, roles
from bench.lab.netns import Namespace, call, make
from bench.lab.overlays import DEVICE, Encapsulator
from bench.lab.pods import Helper, Kitchen, helper
from bench.lab.record import FILES, PREFIX, Record, sweep
from bench.lab.shape import Places, Shape, places
from bench.lab.steering import script
from bench.net import Address, answers
from bench.process import Program, await_ready, own_cpus, running, start
from bench.systems.lbproxy import CHECKOUT

# What every namespace may do with its own packets and ports; none of it reaches the machine's own network.
SYSCTLS = {
    "ipv4/ip_forward": "1",
    "ipv4/conf/all/rp_filter": "0",
    "ipv4/conf/default/rp_filter": "0",
    "ipv4/ip_local_port_range": "1024 65000",
    "ipv4/tcp_tw_reuse": "1",
}
# Pods remember no connection that has ended: a system's must not be in the way of the next one's, whose client has
# another clock in its timestamps, so that its SYN would look old and be refused, and come again a second later.
PODS_SYSCTLS = {"ipv4/tcp_max_tw_buckets": "0"}
ANSWER_SECONDS = 2.0
SYSCTL_FOLDER = Path("/proc/sys/net")


@dataclass(frozen=True, slots=True)
class Lab:
    """Where everything is."""

    key: str
    shape: Shape
    places: Places
    folder: Path

    @property
    def node(self) -> Namespace:
        """Return the balancer's node."""
        return self.namespace(NODE)

    @property
    def client(self) -> Namespace:
        """Return the client."""
        return self.namespace(CLIENT)

    @property
    def kitchen(self) -> Kitchen:
        """Return what its pods share."""
        return Kitchen(self.folder, self.places.load)

    def namespace(self, role: str) -> Namespace:
        """Return the namespace of `role`."""
        return Namespace(f"{PREFIX}{self.key}-{role}")

    def pods(self, count: int) -> tuple[Pod, ...]:
        """Return the first `count` pods."""
        return pods(self.shape)[:count]

    def answers(self, address: Address = SERVICE) -> bool:
        """Return whether the client gets an answer from `address`."""
        with self.client.entered():
            return answers(address, ANSWER_SECONDS)

    def reaches_pods(self) -> bool:
        """Return whether the balancer's node gets an answer from a pod of each worker."""
        with self.node.entered():
            return all(answers(pod.address) for pod in self.pods(self.shape.workers))


@contextmanager
def standing(shape: Shape) -> Iterator[Lab]:
    """Have a lab for as long as the block lasts; what killed runs left behind is removed first."""
    sweep()
    lab, record = planned(shape)
    record = record.owned_by_us()
    with ExitStack() as cleanup:
        cleanup.callback(record.remove)
        record.save()
        for program, is_ready in built(lab):
            cleanup.enter_context(running(program, is_ready))
        yield lab


def raised(shape: Shape) -> Lab:
    """Make a lab that stays until it is taken down."""
    sweep()
    lab, record = planned(shape)
    with ExitStack() as cleanup:
        cleanup.callback(record.remove)
        record.save()
        for program, is_ready in built(lab):
            await_ready(start(program), program, is_ready)
        cleanup.pop_all()
    return lab


def planned(shape: Shape) -> tuple[Lab, Record]:
    """Return a lab that isn't there yet, and what to write down about it; raises LabError without the right to it."""
    if os.geteuid():
        raise LabError("a lab needs root: it makes network namespaces")
    key = uuid4().hex[:6]
    folder = Path(tempfile.mkdtemp(prefix=FILES))
    lab = Lab(key, shape, places(shape.spreading, own_cpus()), folder)
    names = tuple(lab.namespace(role).name for role in roles(shape))
    return lab, Record(key, names, str(folder))


def built(lab: Lab) -> list[Helper]:
    """Make networks, overlay and steering; return what has to run in them."""
    wired = wiring.wires(lab.shape)
    names = {role: lab.namespace(role).name for role in roles(lab.shape)}
    queues = len(lab.places.node) if lab.places.packets is None else 1
    make([Namespace(name) for name in names.values()], wiring.links(wired, queues, names))
    plain, overlay, bridged = wiring.lines(lab.shape, wired), overlays.lines(lab.shape), overlays.forwarding(lab.shape)
    for role in names:
        _set_up(lab, role, [*plain.get(role, []), *overlay.get(role, [])], bridged.get(role, []))
    fill(lab.folder)
    carriers = [_encapsulator(lab, one) for one in overlays.encapsulators(lab.shape)]
    return [*carriers, *(helper(lab.kitchen, pod, lab.namespace(pod.role)) for pod in pods(lab.shape))]


def _set_up(lab: Lab, role: str, lines: list[str], forwarding: list[str]) -> None:
    namespace = lab.namespace(role)
    with namespace.entered():
        for name, value in (SYSCTLS | _of_pods(lab, role)).items():
            (SYSCTL_FOLDER / name).write_text(value)
    namespace.ip(["link set lo up", *lines])
    if forwarding:
        call(["bridge", "-netns", namespace.name, "-batch", "-"], "\n".join(forwarding))
    if steering := script(role, lab.shape, lab.places):
        namespace.shell(steering)


def _of_pods(lab: Lab, role: str) -> dict[str, str]:
    return PODS_SYSCTLS if role in {pod.role for pod in pods(lab.shape)} else {}


def _encapsulator(lab: Lab, encapsulator: Encapsulator) -> Helper:
    cpus = lab.places.node if encapsulator.role == NODE else lab.places.load
    pairs = [f"{network}={node}" for network, node in encapsulator.peers.items()]
    words = [sys.executable, "-m", "bench.lab.encapsulator", DEVICE, encapsulator.host, *pairs]
    namespace = lab.namespace(encapsulator.role)
    log = lab.folder / f"encapsulator-{encapsulator.role}.log"
    program = Program("encapsulator", ["env", f"--chdir={CHECKOUT}", *words], cpus, log, namespace)
    return program, lambda: "LOWER_UP" in call(["ip", "-netns", namespace.name, "link", "show", DEVICE])
