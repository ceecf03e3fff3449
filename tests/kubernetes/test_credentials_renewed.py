"""Credentials of every kind are read again when they are refused, when TLS fails, and when their files change."""

import base64
import json
import ssl
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from lbproxy.model.errors import ConfigError
from lbproxy.sources.kubernetes.client import api as module
from lbproxy.sources.kubernetes.client import credentials
from lbproxy.sources.kubernetes.client.answers import read_page
from lbproxy.sources.kubernetes.client.api import Api
from lbproxy.sources.kubernetes.client.api_connection import ApiError, ApiRefusedError, ApiUnreachableError
from lbproxy.sources.kubernetes.client.credentials import loader
from tests.support.fake_api import FakeApi
from tests.support.objects import service

PATH = "/api/v1/namespaces/default/services"


class Tls:
    """A server that takes certificates of one authority, and a kubeconfig with those of the same or another."""

    def __init__(self, directory: Path) -> None:
        self.server, self._directory = FakeApi(), directory
        self.server.put("services", service())
        self.server.needs_certificate = True
        self.kubeconfig = directory / "config"

    async def serve(self, authority: trustme.CA) -> None:
        """Start again with another authority, at the same port."""
        if self.server.port:
            await self.server.stop()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        authority.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
        await self.server.start(context)

    def write(self, authority: trustme.CA, *, is_inline: bool = False) -> None:
        """Write certificates of this authority, and the kubeconfig that has or names them."""
        certificate = authority.issue_cert("lbproxy.example").private_key_and_cert_chain_pem.bytes()
        files = {"certificate-authority": authority.cert_pem.bytes(), "client-certificate": certificate,
                 "client-key": certificate}
        found = {}
        for key, content in files.items():
            (self._directory / key).write_bytes(content)
            found[key] = (f"{key}-data", base64.b64encode(content).decode()) if is_inline else (key, key)
        self.kubeconfig.write_text(json.dumps({
            "current-context": "here", "contexts": [{"name": "here", "context": {"cluster": "here", "user": "us"}}],
            "clusters": [{"name": "here", "cluster": {
                "server": self.server.url, **dict([found["certificate-authority"]])}}],
            "users": [{"name": "us", "user": dict([found["client-certificate"], found["client-key"]])}]}))


@pytest.fixture
async def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Tls]:
    monkeypatch.setattr(module, "LOOK_INTERVAL", 0.0)
    tls = Tls(tmp_path)
    yield tls
    await tls.server.stop()


async def names(api: Api) -> list[str]:
    return list(read_page(await api.get(PATH, {"limit": "9"})).items)


@pytest.mark.parametrize("is_inline", [False, True])
async def test_authority_and_certificates_that_are_replaced_by_others(tls: Tls, *, is_inline: bool) -> None:
    old, new = trustme.CA(), trustme.CA()
    await tls.serve(old)
    tls.write(old, is_inline=is_inline)
    async with await Api.connect(loader(tls.kubeconfig)) as api:
        assert await names(api) == ["web"]
        await tls.serve(new)
        tls.write(new, is_inline=is_inline)
        assert await names(api) == ["web"]


async def test_failed_handshake_is_enough_to_read_everything_again(tls: Tls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_INTERVAL", 3600.0)
    old, new = trustme.CA(), trustme.CA()
    await tls.serve(old)
    tls.write(old)
    async with await Api.connect(loader(tls.kubeconfig)) as api:
        assert await names(api) == ["web"]
        await tls.serve(new)
        tls.write(new)
        with pytest.raises(ApiUnreachableError, match="TLS failed"):
            await names(api)
        assert await names(api) == ["web"]


async def test_certificate_that_the_server_takes_no_more_is_read_again(
        tls: Tls, monkeypatch: pytest.MonkeyPatch) -> None:
    """With TLS 1.3 a client hears of it only after the handshake, from its first read."""
    monkeypatch.setattr(module, "LOOK_INTERVAL", 3600.0)
    right, wrong = trustme.CA(), trustme.CA()
    await tls.serve(right)
    tls.write(wrong)
    right.cert_pem.write_to_path(tls.kubeconfig.with_name("certificate-authority"))
    async with await Api.connect(loader(tls.kubeconfig)) as api:
        with pytest.raises(ApiError):
            await names(api)
        tls.write(right)
        with pytest.raises(ApiError):
            await names(api)
        assert await names(api) == ["web"]


async def test_certificate_of_a_401_is_read_again(tls: Tls) -> None:
    authority = trustme.CA()
    await tls.serve(authority)
    tls.write(authority)
    async with await Api.connect(loader(tls.kubeconfig)) as api:
        tls.server.fail(401, times=1)
        with pytest.raises(ApiRefusedError, match="401"):
            await names(api)
        assert await names(api) == ["web"]


@pytest.mark.parametrize("content", ["", "{", "current-context: other"])
async def test_kubeconfig_that_becomes_unreadable_is_reported_and_read_when_it_is_good_again(
        tls: Tls, content: str) -> None:
    authority = trustme.CA()
    await tls.serve(authority)
    tls.write(authority)
    async with await Api.connect(loader(tls.kubeconfig)) as api:
        tls.kubeconfig.write_text(content)
        with pytest.raises(ApiError, match="no usable kubeconfig"):
            await names(api)
        tls.write(authority)
        assert await names(api) == ["web"]


async def test_file_that_is_gone_for_a_moment_changes_nothing(tls: Tls) -> None:
    authority = trustme.CA()
    await tls.serve(authority)
    tls.write(authority)
    async with await Api.connect(loader(tls.kubeconfig)) as api:
        tls.kubeconfig.unlink()
        assert await names(api) == ["web"]


@pytest.mark.parametrize("has_memory", [True, False])
async def test_no_private_key_is_left_in_a_file(
        tls: Tls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_memory: bool) -> None:
    places = [tmp_path / "memory", tmp_path / "disk"]
    for place in places:
        place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(places[1]))
    monkeypatch.setattr(credentials, "MEMORY", str(places[0]) if has_memory else "/nowhere")
    authority = trustme.CA()
    await tls.serve(authority)
    tls.write(authority, is_inline=True)
    async with await Api.connect(loader(tls.kubeconfig)) as api:
        assert [file for place in places for file in place.iterdir()] == []
        assert await names(api) == ["web"]


async def test_key_that_needs_a_passphrase_is_an_error_and_no_question(tls: Tls) -> None:
    authority = trustme.CA()
    await tls.serve(authority)
    tls.write(authority)
    tls.kubeconfig.with_name("client-key").write_text(
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n")
    with pytest.raises(ConfigError, match="certificate or key"):
        await Api.connect(loader(tls.kubeconfig))


def token_file(server: FakeApi, directory: Path, token: str) -> Path:
    (directory / "token").write_text(token)
    path = directory / "config"
    path.write_text(json.dumps({
        "current-context": "here", "contexts": [{"name": "here", "context": {"cluster": "here", "user": "us"}}],
        "clusters": [{"name": "here", "cluster": {"server": server.url}}],
        "users": [{"name": "us", "user": {"tokenFile": "token"}}]}))
    return path


async def test_token_that_changes_is_used_at_once_though_the_old_one_still_counts(
        server: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_INTERVAL", 0.0)
    server.token = "first"
    async with await Api.connect(loader(token_file(server, tmp_path, "first\n"))) as api:
        assert await names(api) == ["web"]
        (tmp_path / "token").write_text("second\n")
        server.token = "second"
        assert await names(api) == ["web"]


@pytest.mark.parametrize("token", ["a\nb", "a\x00b", "ü", "a\r\nX-Header: b"])
async def test_token_of_odd_characters_is_reported_in_one_line(server: FakeApi, tmp_path: Path, token: str) -> None:
    with pytest.raises(ConfigError) as failure:
        await Api.connect(loader(token_file(server, tmp_path, token)))
    assert "\n" not in str(failure.value)
    assert token not in str(failure.value)


async def test_netrc_is_not_read(server: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login us password s3cr3t\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    server.token = "first"
    async with await Api.connect(loader(token_file(server, tmp_path, "first"))) as api:
        assert await names(api) == ["web"]


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_redirect_is_not_followed(server: FakeApi, tmp_path: Path, code: int) -> None:
    elsewhere = FakeApi()
    await elsewhere.start()
    server.answer(lambda: web.Response(status=code, headers={"Location": f"{elsewhere.url}{PATH}?limit=9"}))
    async with await Api.connect(loader(token_file(server, tmp_path, "first"))) as api:
        with pytest.raises(ApiRefusedError, match="a redirect, which is not followed"):
            await names(api)
    assert not elsewhere.requests
    await elsewhere.stop()


@pytest.mark.parametrize(("exceptions", "is_direct"), [("127.0.0.0/8", True), ("10.0.0.0/8", False)])
async def test_network_of_no_proxy_is_reached_directly(
        server: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exceptions: str, *, is_direct: bool) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", exceptions)
    async with await Api.connect(loader(token_file(server, tmp_path, "first"))) as api:
        if is_direct:
            assert await names(api) == ["web"]
        else:
            with pytest.raises(ApiUnreachableError):
                await names(api)
