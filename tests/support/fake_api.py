"""An API server in memory: real HTTP, lists in pages, watches from a version, a window of history, and faults."""

import asyncio
import copy
import json
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from tests.support.objects import Json

END = b""
"""Ends a stream as a server does whose time is over."""


COLLECTION = r"/{api:api|apis/[^/]+}/v1/namespaces/{namespace}/{resource}"


def status(code: int, reason: str = "Because") -> Json:
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code, "reason": reason}


@dataclass
class Request:
    verb: str
    resource: str
    namespace: str
    query: dict[str, str]
    group: str = ""


Backup = tuple[int, dict[tuple[str, str, str], Json]]

Fault = Callable[[Request], web.Response | None]
"""Raises an order to give no whole answer."""


class Hang(Exception):  # noqa: N818 - an order, not a mistake
    """Take the request and say nothing."""


class Cut(Exception):  # noqa: N818 - as above
    """Begin a list, and break the connection."""


@dataclass(eq=False)
class Stream:
    request: Request
    transport: asyncio.Transport
    queue: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)


class FakeApi:
    """`put` and `delete` change the state; the rest makes it fail."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.streams: list[Stream] = []
        self.faults: list[Fault] = []
        self.token: str | None = None
        self.needs_certificate = False
        self._version = 100
        self._objects: dict[tuple[str, str, str], Json] = {}
        self._history: list[tuple[int, tuple[str, str], bytes, Json]] = []
        self._oldest = 0
        self.port, self._scheme = 0, "http"
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}"

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        app = web.Application()
        app.router.add_get(COLLECTION, self._answer)
        app.router.add_route("*", "/{path:.*}", self._refuse)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True, ssl_context=tls)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self._scheme = "https" if tls else "http"

    async def stop(self) -> None:
        self.reset()
        assert self._runner is not None
        await self._runner.cleanup()

    def put(self, resource: str, item: Json, namespace: str = "default") -> None:
        metadata = item["metadata"]
        assert isinstance(metadata, dict)
        key = (resource, namespace, metadata["name"])
        self._commit("MODIFIED" if key in self._objects else "ADDED", key, item)

    def delete(self, resource: str, name: str, namespace: str = "default") -> None:
        key = (resource, namespace, name)
        self._commit("DELETED", key, self._objects[key])

    def forget(self) -> None:
        """Compact: no version before now can be resumed from."""
        self._version += 1
        self._oldest = self._version

    def back_up(self) -> Backup:
        """Return the present state, for `restore`."""
        return self._version, dict(self._objects)

    def restore(self, backup: Backup) -> None:
        """Go back to an older state, as an etcd that is restored: open watches stay open, and hear nothing of it."""
        self._version, objects = backup
        self._objects = dict(objects)
        self._history = [change for change in self._history if change[0] <= self._version]

    def bookmark(self) -> None:
        self.say(self._event("BOOKMARK", {"metadata": {"resourceVersion": str(self._version)}}))

    def say(self, line: bytes, resource: str = "") -> None:
        """Put something into each open stream."""
        for stream in self.streams:
            if resource in {"", stream.request.resource}:
                stream.queue.put_nowait(line)

    def reset(self) -> None:
        """Break all streams off."""
        for stream in self.streams:
            stream.transport.abort()
            stream.queue.put_nowait(END)

    def fail(self, code: int, verb: str = "", resource: str = "", times: int = 1 << 30, retry_after: int = 0) -> None:
        """Answer so, so many times."""
        headers = {"Retry-After": str(retry_after)} if retry_after else {}
        self.answer(lambda: web.json_response(status(code), status=code, headers=headers), verb, resource, times)

    def hang(self, verb: str, resource: str, times: int = 1) -> None:
        """Leave so many requests without an answer."""
        def never() -> web.Response:
            raise Hang
        self.answer(never, verb, resource, times)

    def cut(self, verb: str, resource: str, times: int = 1) -> None:
        """Break so many answers off."""
        def half() -> web.Response:
            raise Cut
        self.answer(half, verb, resource, times)

    def answer(self, make: Callable[[], web.Response], verb: str = "", resource: str = "", times: int = 1) -> None:
        left = Counter(times=times)

        def fault(request: Request) -> web.Response | None:
            if verb not in {"", request.verb} or resource not in {"", request.resource} or not left["times"]:
                return None
            left["times"] -= 1
            return make()
        self.faults.append(fault)

    def count(self, verb: str, resource: str) -> int:
        return sum((request.verb, request.resource) == (verb, resource) for request in self.requests)

    def watched(self, *resources: str) -> bool:
        """Each of these is being watched now."""
        return set(resources) <= {stream.request.resource for stream in self.streams}

    def _commit(self, kind: str, key: tuple[str, str, str], item: Json) -> None:
        self._version += 1
        item = copy.deepcopy(item)
        metadata = item["metadata"]
        assert isinstance(metadata, dict)
        metadata["resourceVersion"] = str(self._version)
        if kind == "DELETED":
            del self._objects[key]
        else:
            self._objects[key] = item
        line = self._event(kind, item)
        self._history.append((self._version, key[:2], line, item))
        for stream in self.streams:
            if key[:2] == (stream.request.resource, stream.request.namespace) and selected(item, stream.request.query):
                stream.queue.put_nowait(line)

    @staticmethod
    def _event(kind: str, item: Json) -> bytes:
        return json.dumps({"type": kind, "object": item}).encode() + b"\n"

    async def _answer(self, incoming: web.Request) -> web.StreamResponse:
        query = dict(incoming.query)
        verb = "watch" if query.get("watch") == "true" else "list"
        group = incoming.match_info["api"].removeprefix("api").removeprefix("s/")
        request = Request(verb, incoming.match_info["resource"], incoming.match_info["namespace"], query, group)
        self.requests.append(request)
        if self.token and incoming.headers.get("Authorization") != f"Bearer {self.token}":
            return web.json_response(status(401), status=401)
        if self.needs_certificate and (incoming.transport is None or not incoming.transport.get_extra_info("peercert")):
            return web.json_response(status(401), status=401)
        try:
            for fault in self.faults:
                if (failure := fault(request)) is not None:
                    return failure
        except Hang:
            await asyncio.Event().wait()
        except Cut:
            return await self._begin(incoming)
        return await self._watch(incoming, request) if verb == "watch" else self._list(request)

    @staticmethod
    async def _begin(incoming: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(incoming)
        await response.write(b'{"metadata": {"resourceVersion": "7"}, "items": [')
        assert isinstance(incoming.transport, asyncio.Transport)
        incoming.transport.abort()
        return response

    async def _refuse(self, incoming: web.Request) -> web.Response:
        """Whatever else is asked for is not here, but was asked for."""
        self.requests.append(Request(incoming.method.lower(), incoming.path, "", dict(incoming.query)))
        return web.json_response(status(404), status=404)

    def _list(self, request: Request) -> web.Response:
        found = [item for (*place, _), item in sorted(self._objects.items())
                 if place == [request.resource, request.namespace] and selected(item, request.query)]
        start, limit = int(request.query.get("continue", 0)), int(request.query["limit"])
        metadata = {"resourceVersion": str(self._version)}
        if start + limit < len(found):
            metadata["continue"] = str(start + limit)
        return web.json_response({"metadata": metadata, "items": found[start:start + limit]})

    async def _watch(self, incoming: web.Request, request: Request) -> web.StreamResponse:
        version = int(request.query["resourceVersion"])
        if version < self._oldest:
            return web.Response(body=self._event("ERROR", status(410, "Expired")))
        assert isinstance(incoming.transport, asyncio.Transport)
        stream = Stream(request, incoming.transport)
        for time, place, line, item in self._history:
            if time > version and place == (request.resource, request.namespace) and selected(item, request.query):
                stream.queue.put_nowait(line)
        response = web.StreamResponse()
        await response.prepare(incoming)
        self.streams.append(stream)
        try:
            while (line := await stream.queue.get()) != END:
                await response.write(line)
        except ConnectionError:
            pass
        finally:
            self.streams.remove(stream)
        return response


def selected(item: Json, query: dict[str, str]) -> bool:
    metadata = item["metadata"]
    assert isinstance(metadata, dict)
    label, _, value = query.get("labelSelector", "").partition("=")
    name = query.get("fieldSelector", "").removeprefix("metadata.name=")
    labels = metadata.get("labels", {})
    is_labelled = not label or (labels.get(label) == value if value else label in labels)
    return is_labelled and name in {"", metadata["name"]}
