"""The pods: an nginx each, in a namespace of its own, that answers with its own address, as in the paper."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.backends import configuration
from bench.lab.addresses import Pod
from bench.lab.netns import Namespace
from bench.net import answers
from bench.process import Cpus, Program
from bench.systems.installed import find

Helper = tuple[Program, Callable[[], bool]]
"""A program, and whether it is ready."""
OWN_ADDRESS = "$server_addr\\n"


@dataclass(frozen=True, slots=True)
class Kitchen:
    """What all pods of a lab share: the machine's CPUs for them, and a folder with the files that they serve."""

    folder: Path
    cpus: Cpus

    def program(self, pod: Pod, namespace: Namespace) -> Program:
        """Return what runs `pod`."""
        folder = self.folder / f"{pod.role}-{pod.port}"
        folder.mkdir(exist_ok=True)
        config = folder / "nginx.conf"
        config.write_text(configuration(folder, str(pod.address), OWN_ADDRESS, self.folder))
        command = [find("nginx"), "-e", "stderr", "-p", str(folder), "-c", str(config)]
        return Program(pod.role, command, self.cpus, folder / "log", namespace)


def helper(kitchen: Kitchen, pod: Pod, namespace: Namespace) -> Helper:
    """Return `pod` as something to start."""
    return kitchen.program(pod, namespace), lambda: _answers(pod, namespace)


def _answers(pod: Pod, namespace: Namespace) -> bool:
    with namespace.entered():
        return answers(pod.address)
