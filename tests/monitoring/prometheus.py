"""A real Prometheus that scrapes and evaluates four times a second, and what it answers."""

import asyncio
import json
import shutil
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import aiohttp
import pytest

from lbproxy.model.address import Address
from tests.support.patience import PATIENCE
from tests.support.peers import free_address

from .rules import groups

INTERVAL = "250ms"

Series = dict[str, Any]
"""One result of a query: its labels (`metric`) and `value`."""


class Prometheus:
    """A process of its own, from its start to its end; `targets` are the admin addresses that it scrapes."""

    def __init__(self, process: Process, address: Address) -> None:
        self._process, self._address = process, address

    @classmethod
    async def start(cls, folder: Path, *targets: Address) -> Self:
        """Start it, and wait until it answers."""
        program = shutil.which("prometheus")
        if program is None:
            pytest.skip("needs Debian's prometheus")
        address = free_address()
        process = await asyncio.create_subprocess_exec(
            program, f"--config.file={configured(folder, targets)}", f"--storage.tsdb.path={folder / 'tsdb'}",
            f"--web.listen-address={address}", "--log.level=error", stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE)
        prometheus = cls(process, address)
        await prometheus._is_ready()
        return prometheus

    async def query(self, expression: str) -> list[Series]:
        """What an instant query gives; fails with Prometheus's own words if it is none."""
        answer = await self._get("/api/v1/query", query=expression)
        assert answer["status"] == "success", f"{expression}: {answer['error']}"
        result: list[Series] = answer["data"]["result"]
        return result

    async def finds(self, expression: str) -> list[Series]:
        """Wait until a query gives something, and give it."""
        async with asyncio.timeout(PATIENCE):
            while not (found := await self.query(expression)):  # noqa: ASYNC110 - nothing announces it
                await asyncio.sleep(0.05)
        return found

    async def finds_nothing(self, expression: str) -> None:
        """Wait until a query gives nothing."""
        async with asyncio.timeout(PATIENCE):
            while await self.query(expression):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.05)

    async def end(self) -> None:
        """Kill it."""
        self._process.kill()
        await self._process.communicate()

    async def _is_ready(self) -> None:
        async with asyncio.timeout(PATIENCE):
            while self._process.returncode is None:
                try:
                    await self._get("/api/v1/status/buildinfo")
                except (aiohttp.ClientError, json.JSONDecodeError):
                    await asyncio.sleep(0.05)
                else:
                    return
        raise AssertionError(((await self._process.communicate())[1]).decode())

    async def _get(self, path: str, **parameters: str) -> dict[str, Any]:
        limit = aiohttp.ClientTimeout(PATIENCE)
        async with aiohttp.request("GET", f"http://{self._address}{path}", params=parameters, timeout=limit) as answer:
            found: dict[str, Any] = json.loads(await answer.text())
            return found


def configured(folder: Path, targets: Iterable[Address]) -> Path:
    """Write its configuration. JSON is YAML."""
    (folder / "rules.yaml").write_text(json.dumps({"groups": [
        {**group, "rules": [impatient(rule) for rule in group["rules"]]} for group in groups()]}))
    file = folder / "prometheus.yaml"
    file.write_text(json.dumps({
        "global": {"scrape_interval": INTERVAL, "scrape_timeout": INTERVAL, "evaluation_interval": INTERVAL},
        "rule_files": ["rules.yaml"],
        "scrape_configs": [{"job_name": "lbproxy", "static_configs": [{"targets": list(map(str, targets))}]}]}))
    return file


def impatient(rule: dict[str, Any]) -> dict[str, Any]:
    """The same rule, but firing at once: a test can't wait for half an hour."""
    return {key: value for key, value in rule.items() if key != "for"}
