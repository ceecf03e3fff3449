"""Kubeconfig files and service accounts, against a server that insists on TLS."""

import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme
from kubernetes_asyncio.client import Configuration
from kubernetes_asyncio.config import incluster_config

from lbproxy.errors import ConfigError
from lbproxy.sources.kubernetes.answers import read_page
from lbproxy.sources.kubernetes.api import Api, Load
from lbproxy.sources.kubernetes.credentials import loader
from lbproxy.sources.kubernetes.failures import RefusedError, UnreachableError

from .fake_api import FakeApi
from .objects import service

PATH = "/api/v1/namespaces/default/services"


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
async def server(authority: trustme.CA) -> AsyncIterator[FakeApi]:
    """It takes a client certificate, and has one Service."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_OPTIONAL
    server = FakeApi()
    server.put("services", service())
    await server.start(context)
    yield server
    await server.stop()


@pytest.fixture
def kubeconfig(authority: trustme.CA, server: FakeApi, tmp_path: Path) -> Path:
    """It has the contexts token and certificate; the current one is token."""
    authority.cert_pem.write_to_path(tmp_path / "ca.crt")
    certificate = authority.issue_cert("lbproxy.example")
    certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / "client.pem")
    (tmp_path / "token").write_text("first")
    users = {"token": {"tokenFile": "token"},
             "certificate": {"client-certificate": "client.pem", "client-key": "client.pem"}}
    path = tmp_path / "config"
    path.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "token",
        "clusters": [{"name": "here", "cluster": {"server": server.url, "certificate-authority": "ca.crt"}}],
        "users": [{"name": name, "user": user} for name, user in users.items()],
        "contexts": [{"name": name, "context": {"cluster": "here", "user": name}} for name in users]}))
    return path


async def services(load: Load) -> list[str]:
    async with await Api.connect(load) as api:
        return await services_of(api)


async def services_of(api: Api) -> list[str]:
    return list(read_page(await api.get(PATH, {"limit": "9"})).items)


@pytest.mark.parametrize("context", [None, "token", "certificate"])
async def test_kubeconfig_is_all_that_is_needed(kubeconfig: Path, server: FakeApi, context: str | None) -> None:
    server.needs_certificate = context == "certificate"
    server.token = None if server.needs_certificate else "first"
    assert await services(loader(kubeconfig, context)) == ["web"]


async def test_kubeconfig_is_found_by_the_usual_variable(kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    assert await services(loader()) == ["web"]


async def test_token_file_of_a_kubeconfig_is_read_again_when_it_is_refused(kubeconfig: Path, server: FakeApi) -> None:
    server.token = "first"
    async with await Api.connect(loader(kubeconfig)) as api:
        assert await services_of(api) == ["web"]
        server.token = "second"
        kubeconfig.with_name("token").write_text("second")
        with pytest.raises(RefusedError, match="HTTP 401"):
            await services_of(api)
        assert await services_of(api) == ["web"]


async def test_token_of_a_pod_is_used_and_read_again(
        kubeconfig: Path, server: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    token = kubeconfig.with_name("token")
    host, _, port = server.url.removeprefix("https://").partition(":")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(kubeconfig.with_name("ca.crt")))
    server.token = "first"
    async with await Api.connect(loader()) as api:
        assert await services_of(api) == ["web"]
        server.token = "second"
        token.write_text("second")
        with pytest.raises(RefusedError, match="HTTP 401"):
            await services_of(api)
        assert await services_of(api) == ["web"]


async def test_server_of_another_authority_is_not_trusted(kubeconfig: Path, server: FakeApi) -> None:
    trustme.CA().cert_pem.write_to_path(kubeconfig.with_name("ca.crt"))
    async with await Api.connect(loader(kubeconfig)) as api:
        with pytest.raises(UnreachableError):
            await services_of(api)
    assert not server.requests


@pytest.mark.parametrize("content", [None, "", "[]", "{", "kind: Config", "current-context: here"])
async def test_kubeconfig_that_is_none_is_told_in_one_line(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "config"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError) as failure:
        await loader(path)(Configuration())
    assert "\n" not in str(failure.value)
    assert "--kubeconfig" in str(failure.value)


async def test_authority_that_is_no_certificate_is_told(kubeconfig: Path) -> None:
    kubeconfig.with_name("ca.crt").write_text("none")
    with pytest.raises(ConfigError, match="certificate"):
        await Api.connect(loader(kubeconfig))


async def test_unknown_context_is_told(kubeconfig: Path) -> None:
    with pytest.raises(ConfigError, match="--context"):
        await loader(kubeconfig, "elsewhere")(Configuration())
