"""An API server that reviews access: real HTTP, a set of rules, a token, and faults."""

import json
from pathlib import Path

from aiohttp import web

Rule = tuple[str, str, str, str]
"""Namespace, API group, resource, verb."""


class FakeReviews:
    """Add to `rules` to allow; `status`, `body` and `token` make it fail."""

    def __init__(self) -> None:
        self.rules: set[Rule] = set()
        self.asked: list[Rule] = []
        self.token = "secret"
        self.status = 201
        self.body: str | None = None
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()

    async def stop(self) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    def kubeconfig(self, directory: Path) -> Path:
        """Write one with the contexts `right` and `wrong`, which has another token; `right` is the current one."""
        assert self._runner is not None
        path, address = directory / "kubeconfig", f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        tokens = {"right": self.token, "wrong": "guessed"}
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "right",
            "clusters": [{"name": "here", "cluster": {"server": address}}],
            "users": [{"name": name, "user": {"token": token}} for name, token in tokens.items()],
            "contexts": [{"name": name, "context": {"cluster": "here", "user": name}} for name in tokens]}))
        return path

    def allow(self, namespace: str, *verbs: str) -> None:
        """Let these be done with both resources of a namespace."""
        resources = (("discovery.k8s.io", "endpointslices"), ("", "services"))
        self.rules |= {(namespace, *resource, verb) for resource in resources for verb in verbs}

    async def _answer(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.json_response({"kind": "Status", "code": 401}, status=401)
        review = await request.json()
        asked = review["spec"]["resourceAttributes"]
        rule = (asked["namespace"], asked["group"], asked["resource"], asked["verb"])
        self.asked.append(rule)
        if self.body is not None:
            return web.Response(text=self.body, status=self.status, content_type="application/json")
        return web.json_response({**review, "status": {"allowed": rule in self.rules}}, status=self.status)
