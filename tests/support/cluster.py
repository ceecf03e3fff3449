"""A cluster as `lbproxy run --service` sees it: an API server, a kubeconfig, and pods that are real backends."""

import json
from datetime import UTC, datetime
from pathlib import Path

import psutil

from lbproxy.sources.kubernetes.endpoint_slice import LAST_CHANGE
from tests.support.fake_api import FakeApi
from tests.support.objects import LEAVING, READY, Json, a_slice, endpoint, port, service
from tests.support.peers import Backend
from tests.support.program import Program, start

SLICES = "endpointslices"


class Cluster:
    """Has the Service default/web; its pods are those of `ready` and `leaving`."""

    def __init__(self, folder: Path) -> None:
        self.api = FakeApi()
        self.kubeconfig = folder / "kubeconfig"
        self.ready: list[Backend] = []
        self.leaving: list[Backend] = []
        self.dates_changes = False
        """Slices say when their pods changed, as those of the real controller do."""
        self._pods: list[Backend] = []
        self._programs: list[Program] = []

    async def start(self) -> None:
        await self.api.start()
        self.restore()
        self.kubeconfig.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "clusters": [{"name": "here", "cluster": {"server": self.api.url}}],
            "users": [{"name": "me", "user": {"token": "t0ken"}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}]}))

    def restore(self) -> None:
        """Make the Service again."""
        self.api.put("services", service())

    async def pods(self, *names: str) -> list[Backend]:
        """Start so many pods and make them ready."""
        pods = [await Backend(name).start() for name in names]
        self._pods += pods
        self.ready += pods
        self.tell()
        return pods

    def tell(self) -> None:
        """Write the slices. A slice has one port number, and our pods differ in it: so one slice each."""
        for pod in self._pods:
            conditions = READY if pod in self.ready else LEAVING
            known = pod in self.ready or pod in self.leaving
            self._write(pod, [endpoint(pod.address.host, conditions)] if known else [])

    def _write(self, pod: Backend, endpoints: list[Json]) -> None:
        item = a_slice(*endpoints, name=f"web-{pod.name}", ports=[port(pod.address.port)])
        if self.dates_changes:
            metadata = item["metadata"]
            assert isinstance(metadata, dict)
            metadata["annotations"] = {LAST_CHANGE: datetime.now(UTC).isoformat()}
        self.api.put(SLICES, item)

    async def run(self, *options: str) -> Program:
        """Start lbproxy with a kubeconfig for this cluster; don't wait until it serves."""
        program = await start("--kubeconfig", str(self.kubeconfig), "--health-interval", "50ms", "--workers", "1",
                              "--shutdown-delay", "0s", *options)
        self._programs.append(program)
        return program

    def is_connected(self, program: Program) -> bool:
        """It holds a connection to our API server."""
        ends = [tuple(one.raddr) for one in psutil.Process(program.process.pid).net_connections()]
        return ("127.0.0.1", self.api.port) in ends

    async def end(self) -> None:
        for program in self._programs:
            await program.kill()
        await self.api.stop()
        for pod in self._pods:
            await pod.close()
