"""Least connections against round robin: pods of unequal speed, requests of unequal length, a connection each."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from http.client import HTTPConnection
from statistics import mean

from bench.lab.addresses import Pod
from bench.load import Load
from bench.net import Address, answers
from bench.paper.ground import Ground, Running
from bench.paper.throughput import Throughput
from bench.process import Program, running
from bench.systems.lbproxy import CHECKOUT

PORT = 81
FACTORS = (1.0, 1.0, 2.0, 4.0)
"""How many times slower each pod in turn is."""
CONNECTIONS = 24
SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Unequal:
    """Throughput with slow pods among fast ones, and how connections were spread over them."""

    seconds: int = 4

    @contextmanager
    def backends(self, ground: Ground, count: int) -> Iterator[tuple[Address, ...]]:
        """Run slow pods beside the lab's own ones."""
        pods = [replace(pod, port=PORT) for pod in ground.lab.pods(count)]
        with ExitStack() as started:
            for pod, factor in zip(pods, FACTORS * count, strict=False):
                started.enter_context(running(_program(ground, pod, factor), partial(_answers, ground, pod)))
            yield tuple(pod.address for pod in pods)

    def warm_up(self, ground: Ground, running: Running) -> None:
        """Load it for a moment, then start the account."""
        self._load().warm_up(ground, running)
        _states(ground, running.setup.backends)

    def sample(self, ground: Ground, running: Running) -> Mapping[str, float]:
        """Load it; `spread` is how much the busiest pod's connections were above the mean of all."""
        found = self._load().sample(ground, running)
        each = [state["connections"] for state in _states(ground, running.setup.backends)]
        return {**found, "spread": max(each) / max(mean(each), 1e-9),
                **{f"connections{number}": value for number, value in enumerate(each)}}

    def _load(self) -> Throughput:
        return Throughput(Load(CONNECTIONS, closes=True), self.seconds)


def _program(ground: Ground, pod: Pod, factor: float) -> Program:
    namespace, address = ground.lab.namespace(pod.role), pod.address
    words = [sys.executable, "-m", "bench.paper.slow_pod", address.host, str(address.port), str(factor)]
    log = ground.lab.folder / f"slow-{pod.role}.log"
    return Program(pod.role, ["env", f"--chdir={CHECKOUT}", *words], ground.lab.places.load, log, namespace)


def _answers(ground: Ground, pod: Pod) -> bool:
    with ground.lab.namespace(pod.role).entered():
        return answers(pod.address, SECONDS)


def _states(ground: Ground, backends: tuple[Address, ...]) -> list[dict[str, float]]:
    """Ask the pods, past the balancer."""
    with ground.lab.client.entered():
        return [_state(backend) for backend in backends]


def _state(backend: Address) -> dict[str, float]:
    connection = HTTPConnection(backend.host, backend.port, timeout=SECONDS)
    try:
        connection.request("GET", "/state")
        state: dict[str, float] = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return state
