"""An API server in a process of its own: lists in pages, watches from a version, and changes on demand.

`python -m bench.kubernetes.api PORT SCALE BACKENDS-PORT`; POST /change makes one and says when it began to be sent.
"""

import asyncio
import json
import sys
from collections import deque
from dataclasses import asdict, dataclass, field
from time import monotonic

from aiohttp import web

from bench.backends import Backends
from bench.kubernetes.cluster import SCALES, Cluster, Json

SERVICES, SLICES = "/api/v1/namespaces/default/services", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
REMEMBERED = 1_000
"""Events from which a watch can be resumed."""
GONE = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired"}}


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a watch."""

    version: int
    item: Json
    line: bytes


@dataclass(slots=True)
class Collection:
    """The objects of one kind, by name, and what happened to them."""

    items: dict[str, Json]
    version: int = 1
    history: deque[Event] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    streams: list[tuple[web.StreamResponse, dict[str, str]]] = field(default_factory=list)

    def put(self, name: str, item: Json) -> Event:
        """Take a new version of an object."""
        self.version += 1
        self.items[name] = _versioned(item, self.version)
        line = json.dumps({"type": "MODIFIED", "object": self.items[name]}).encode() + b"\n"
        self.history.append(Event(self.version, self.items[name], line))
        return self.history[-1]

    def page(self, query: dict[str, str]) -> Json:
        """Answer to a list."""
        found = [item for name, item in sorted(self.items.items()) if selected(item, query)]
        start, limit = int(query.get("continue", 0)), int(query.get("limit", len(found)))
        more = {"continue": str(start + limit)} if start + limit < len(found) else {}
        return {"metadata": {"resourceVersion": str(self.version), **more}, "items": found[start:start + limit]}

    def since(self, version: int) -> list[bytes]:
        """Return what a watch is to be told that resumes from a version."""
        oldest = self.history[0].version - 1 if self.history else self.version
        if version < oldest:
            return [json.dumps(GONE).encode() + b"\n"]
        return [event.line for event in self.history if event.version > version]


class Api:
    """Answers about one cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._services = Collection({name: _versioned(item, 1) for name, item in cluster.services.items()})
        self._slices = Collection({name: _versioned(item, 1) for name, item in cluster.slices().items()})
        self._changes = 0

    def routes(self) -> list[web.RouteDef]:
        """Return every path."""
        return [
            web.get("/", self._live), web.post("/change", self._change),
            web.get(SERVICES, lambda request: self._answer(request, self._services)),
            web.get(SLICES, lambda request: self._answer(request, self._slices)),
        ]

    async def _live(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _change(self, _: web.Request) -> web.Response:
        change = self._cluster.change(self._changes)
        self._changes += 1
        event = self._slices.put(change.slice_name, self._cluster.slice(change.slice_name))
        began = monotonic()
        for response, query in self._slices.streams:
            if selected(event.item, query):
                await response.write(event.line)
        return web.json_response({**asdict(change), "began": began})

    async def _answer(self, request: web.Request, collection: Collection) -> web.StreamResponse:
        query = dict(request.query)
        if "watch" not in query:
            return web.json_response(collection.page(query))
        response = web.StreamResponse()
        await response.prepare(request)
        for line in collection.since(int(query["resourceVersion"])):
            await response.write(line)
        stream = response, query
        collection.streams.append(stream)
        try:
            await asyncio.sleep(float(query["timeoutSeconds"]))
        finally:
            collection.streams.remove(stream)
        return response


def selected(item: Json, query: dict[str, str]) -> bool:
    """Return whether a query is about this object: its label (or only that it has it), or its name."""
    metadata = item["metadata"]
    labels, name = metadata.get("labels", {}), metadata["name"]  # type: ignore[attr-defined,index]  # ours
    label, _, value = query.get("labelSelector", "").partition("=")
    is_labelled = not label or (labels.get(label) == value if value else label in labels)
    return is_labelled and query.get("fieldSelector", "").removeprefix("metadata.name=") in {"", name}


def _versioned(item: Json, version: int) -> Json:
    metadata: Json = item["metadata"]  # type: ignore[assignment]  # ours
    return {**item, "metadata": {**metadata, "resourceVersion": str(version)}}


def main() -> None:
    """Serve until SIGTERM."""
    port, scale, backends_port = sys.argv[1:]
    chosen = next(one for one in SCALES if one.name == scale)
    application = web.Application()
    application.add_routes(Api(Cluster(chosen, Backends(int(backends_port)))).routes())
    web.run_app(application, host="127.0.0.1", port=int(port), print=None, access_log=None, shutdown_timeout=0.1)


if __name__ == "__main__":
    main()
