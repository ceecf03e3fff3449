"""Services and ports that are followed, looked for before anything runs."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lbproxy.doctor.clusters import Cluster
from lbproxy.doctor.followed_services import followed_services
from lbproxy.model.finding import Finding, Verdict
from lbproxy.sources.kubernetes.reference import KubernetesPort
from tests.support.fake_api import FakeApi
from tests.support.objects import port, service


@pytest.fixture
async def server() -> AsyncIterator[FakeApi]:
    """It has the Service default/web with the port 80, named http."""
    server = FakeApi()
    server.put("services", service(ports=[port(80, "http"), port(81, "admin")]))
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def kubeconfig(server: FakeApi, tmp_path: Path) -> Path:
    path = tmp_path / "config"
    path.write_text(json.dumps({
        "current-context": "here", "contexts": [{"name": "here", "context": {"cluster": "here", "user": "us"}}],
        "clusters": [{"name": "here", "cluster": {"server": server.url}}],
        "users": [{"name": "us", "user": {"token": "t"}}]}))
    return path


async def found(kubeconfig: Path, name: str, wanted: str | int | None) -> list[Finding]:
    return await followed_services([(Cluster("default", kubeconfig), KubernetesPort("default", name, wanted))] * 2)


@pytest.mark.parametrize("wanted", [80, "http", "admin"])
async def test_service_with_the_port_is_well(kubeconfig: Path, wanted: str | int) -> None:
    finding, = await found(kubeconfig, "web", wanted)
    assert (finding.name, finding.verdict, finding.fix) == (f"Service default/web:{wanted}", Verdict.OK, "")


@pytest.mark.parametrize(("name", "wanted", "seen"), [
    ("api", 80, "it does not exist"), ("web", 82, "it has no TCP port 82"),
    ("web", "https", "it has no TCP port https"), ("web", None, "it has several ports")])
async def test_what_does_not_exist_is_told(kubeconfig: Path, name: str, wanted: str | int | None, seen: str) -> None:
    finding, = await found(kubeconfig, name, wanted)
    assert finding.verdict is Verdict.FATAL
    assert finding.seen.startswith(seen)
    assert finding.fix.startswith("correct the configuration")


async def test_server_that_does_not_answer_is_no_missing_service(server: FakeApi, kubeconfig: Path) -> None:
    server.fail(403)
    assert await found(kubeconfig, "web", 80) == []
