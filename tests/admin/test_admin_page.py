"""The page's files as they are served; tests/process/test_page.py opens them in a browser."""

import json
import re

import aiohttp
import pytest

from lbproxy.admin.pages import _FILES

from .fakes import FakeStatus

POLICY = {"default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self'",
          "connect-src": "'self'", "base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'"}


@pytest.mark.parametrize("accept", ["text/html", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"])
async def test_browser_gets_the_page_and_others_a_list_of_paths(client: aiohttp.ClientSession, accept: str) -> None:
    async with client.get("/", headers={"Accept": accept}) as answer:
        assert (answer.content_type, answer.headers["Vary"]) == ("text/html", "Accept")
    async with client.get("/") as answer:
        assert answer.content_type == "text/plain"


@pytest.mark.parametrize("path", ["/", "/assets/main.js", "/backends", "/nothing", "/openapi.json"])
async def test_every_answer_has_the_strict_policy(client: aiohttp.ClientSession, path: str) -> None:
    async with client.get(path) as answer:
        directives = answer.headers["Content-Security-Policy"].split("; ")
        assert directives == [f"{name} {value}" for name, value in POLICY.items()]
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize(("name", "kind"), [("main.js", "text/javascript"), ("style.css", "text/css"),
                                            ("icon.svg", "image/svg+xml"), ("index.html", "text/html")])
async def test_files_have_their_types(client: aiohttp.ClientSession, name: str, kind: str) -> None:
    async with client.get(f"/assets/{name}") as answer:
        assert (answer.status, answer.content_type) == (200, kind)


@pytest.mark.parametrize("name", ["", "nothing.js", "..%2fassets.py", "%2e%2e/assets.py", "main.js%00", "__init__.py"])
async def test_nothing_but_the_pages_files_is_served(client: aiohttp.ClientSession, name: str) -> None:
    async with client.get(f"/assets/{name}") as answer:
        assert answer.status == 404


def test_files_load_each_other_and_nothing_from_elsewhere() -> None:
    text = b"\n".join(_FILES.values()).decode()
    assert set(re.findall(r"https?://[^\"'\s]+", text)) == {"http://www.w3.org/2000/svg"}
    imported = set(re.findall(r'from "\./([a-z]+\.js)"', text)) | set(re.findall(r'"/assets/([^"]+)"', text))
    assert imported <= _FILES.keys()
    assert _FILES.keys() - imported == {"index.html"}


async def test_description_has_every_path_and_defines_every_schema_that_it_uses(client: aiohttp.ClientSession) -> None:
    async with client.get("/openapi.json") as answer:
        text = await answer.text()
    described = json.loads(text)
    assert set(described["paths"]) == {"/backends", "/explain", "/events", "/metrics", "/healthz", "/readyz", "/drain",
                                       "/undrain"}
    references = set(re.findall(r'"#/components/schemas/(\w+)"', text))
    assert references <= described["components"]["schemas"].keys()


async def test_state_describes_the_program(client: aiohttp.ClientSession, status: FakeStatus) -> None:
    status.trouble, status.not_ready = "address in use", "no usable backend"
    async with client.get("/backends") as answer:
        program = (await answer.json())["program"]
    assert (program["dataplane"], program["trouble"], program["not_ready"]) == (
        "userspace", "address in use", "no usable backend")
    assert [worker["pid"] for worker in program["workers"]] == [101, 102]
