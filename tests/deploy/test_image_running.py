"""The image as a pod: process 1, nobody in particular, on a root that can't be written."""

import asyncio
import json

import aiohttp
import pytest

from lbproxy.model.address import Address
from tests.support.rendering import Manifest, pod_spec

from .container import Container, Start
from .image import Image
from .serving import Backend, answers, get

pytestmark = pytest.mark.timeout(600)  # the first test of a module builds it


@pytest.fixture
async def pod(start: Start, backend: Backend, listen: Address, admin: Address) -> Container:
    """One that serves a static backend."""
    pod = start("run", "--listen", str(listen), "--admin", str(admin), "--backend", str(backend.address),
                "--shutdown-delay", "200ms", "--workers", "1")
    await answers(admin, "/readyz", 200)
    return pod


@pytest.mark.usefixtures("pod")
async def test_it_serves_and_answers_scrapes(backend: Backend, listen: Address, admin: Address) -> None:
    assert await get(listen, "/") == (200, "ok\n")
    _, metrics = await get(admin, "/metrics")
    total, = (line for line in metrics.splitlines() if line.startswith("lbproxy_backend_connections_total{"))
    assert str(backend.address) in total
    assert float(total.split()[-1]) == 1


async def test_it_is_process_1_and_has_no_privilege(pod: Container) -> None:
    status = pod.status()
    assert status["NSpid"].split()[1:] == ["1"]
    assert (status["Uid"], status["Gid"]) == (" ".join(["65532"] * 4), " ".join(["65532"] * 4))
    assert {int(status[capabilities], 16) for capabilities in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert "/opt/lbproxy/bin/lbproxy" in pod.command()


async def test_it_writes_nowhere_but_to_memory(pod: Container) -> None:
    writable = {place for place, options in pod.mounts().items() if "ro" not in options}
    assert "/" not in writable
    assert writable <= {"/proc", "/dev", "/dev/shm"}  # noqa: S108 - shared memory, for the counts of the workers


async def test_sigterm_ends_it_cleanly_once_its_connections_are_done(
        pod: Container, backend: Backend, listen: Address, admin: Address) -> None:
    held = asyncio.create_task(get(listen, "/held"))
    await backend.is_asked.wait()
    pod.send("SIGTERM")
    await answers(admin, "/readyz", 503)
    backend.may_answer.set()
    assert await held == (200, "ok\n")
    code, written = await asyncio.to_thread(pod.ended)
    assert code == 0
    assert [json.loads(line)["level"] for line in written.splitlines()].count("error") == 0


async def test_second_sigterm_ends_it_at_once(pod: Container, backend: Backend, listen: Address) -> None:
    held = asyncio.create_task(get(listen, "/held"))
    await backend.is_asked.wait()
    pod.send("SIGTERM")
    pod.send("SIGTERM")
    code, _ = await asyncio.to_thread(pod.ended)
    assert code == 0
    with pytest.raises(aiohttp.ClientError):
        await held


def test_without_a_service_it_says_so_and_ends_with_2(start: Start) -> None:
    code, written = start().ended()
    assert (code, written.count("\n")) == (2, 1)


def test_the_manifests_name_the_images_user(image: Image, userspace: list[Manifest]) -> None:
    security = pod_spec(userspace)["securityContext"]
    assert image.config["User"] == f"{security['runAsUser']}:{security['runAsGroup']}"
