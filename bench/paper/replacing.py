"""Change under load: pods are replaced one by one while a client asks, and every lost request counts.

In time, as a rollout goes: the new pod serves, the balancer is told, and a moment later the old pod is asked to finish
(SIGQUIT: nginx closes kept connections between two requests, and answers what it has begun). Late, as it goes when
news travel slowly: the old pod finishes first, and the balancer is told a moment later.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial

from bench.errors import BenchError
from bench.lab.addresses import SERVICE
from bench.lab.pods import helper
from bench.net import Address
from bench.paper.asker import Counts
from bench.paper.ground import Ground, Running
from bench.process import Program, running, start, stop
from bench.systems.lbproxy import CHECKOUT

PORT = 82
GRACE_SECONDS = 0.3
"""Between telling the balancer and ending the old pod, or the other way round."""
SETTLE_SECONDS = 0.3
END_SECONDS = 10.0
PER_HUNDRED_THOUSAND = 100_000


@dataclass(frozen=True, slots=True)
class Replacing:
    """Replace all pods that serve by as many others; the lab has to have twice as many as a case names."""

    is_told_late: bool = False
    per_second: int = 400

    @contextmanager
    def backends(self, ground: Ground, count: int) -> Iterator[tuple[Address, ...]]:
        """Run the first `count` pods, apart from the lab's own."""
        with _serving(ground, 0, count):
            yield tuple(replace(pod, port=PORT).address for pod in ground.lab.pods(count))

    def warm_up(self, ground: Ground, running: Running) -> None:
        """Nothing: the client takes its time."""

    def sample(self, ground: Ground, running: Running) -> Mapping[str, float]:
        """Replace them and return what the client noticed."""
        count = len(running.setup.backends)
        pods = [replace(pod, port=PORT) for pod in ground.lab.pods(2 * count)]
        with _serving(ground, count, 2 * count), self._asking(ground, running) as client:
            time.sleep(SETTLE_SECONDS)
            for number in range(count):
                left = [*pods[count:count + number + 1], *pods[number + 1:count]]
                steps = [
                    partial(ground.change, running, tuple(pod.address for pod in left)),
                    partial(_finish, ground, pods[number].role),
                ]
                self._replace(steps)
            counts = _counted(client)
        return {
            "requests": counts.requests,
            "failed_per_100k": counts.failed * PER_HUNDRED_THOUSAND / counts.requests,
            "retried_per_100k": counts.retried * PER_HUNDRED_THOUSAND / counts.requests,
            **{f"failed by {reason}": count for reason, count in counts.reasons.items()},
        }

    def _replace(self, steps: Sequence[Callable[[], None]]) -> None:
        ordered = steps[::-1] if self.is_told_late else steps
        for step, pause in zip(ordered, (GRACE_SECONDS, SETTLE_SECONDS), strict=True):
            step()
            time.sleep(pause)

    @contextmanager
    def _asking(self, ground: Ground, running: Running) -> Iterator[subprocess.Popen[str]]:
        words = ["-m", "bench.paper.asker", SERVICE.host, str(SERVICE.port), str(self.per_second)]
        command = ["env", f"--chdir={CHECKOUT}", sys.executable, *words]
        log = running.folder / "asker.log"
        child = start(Program("asker", command, ground.lab.places.load, log, ground.lab.client), subprocess.PIPE)
        try:
            yield child
        finally:
            stop(child)


@contextmanager
def _serving(ground: Ground, first: int, end: int) -> Iterator[None]:
    with ExitStack() as started:
        for pod in ground.lab.pods(end)[first:]:
            program, is_ready = helper(ground.lab.kitchen, replace(pod, port=PORT), ground.lab.namespace(pod.role))
            started.enter_context(running(program, is_ready))
        yield


def _finish(ground: Ground, role: str) -> None:
    """Ask the pod's nginx to finish."""
    pid = int((ground.lab.folder / f"{role}-{PORT}" / "nginx.pid").read_text())
    os.kill(pid, signal.SIGQUIT)


def _counted(client: subprocess.Popen[str]) -> Counts:
    client.terminate()
    try:
        printed, _ = client.communicate(timeout=END_SECONDS)
    except subprocess.TimeoutExpired:
        raise BenchError("the client did not end") from None
    if not printed:
        raise BenchError("the client said nothing")
    return Counts(**json.loads(printed))
