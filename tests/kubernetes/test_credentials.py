"""Kubeconfig files and service accounts, against a server that insists on TLS."""

import base64
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme
from kubernetes_asyncio.client import Configuration
from kubernetes_asyncio.config import incluster_config
from structlog.typing import EventDict

from lbproxy.model.errors import ConfigError
from lbproxy.sources.kubernetes.client.answers import read_page
from lbproxy.sources.kubernetes.client.api import Api, Load
from lbproxy.sources.kubernetes.client.api_connection import ApiRefusedError, ApiUnreachableError
from lbproxy.sources.kubernetes.client.credentials import loader
from tests.support.fake_api import END, FakeApi
from tests.support.objects import a_slice, endpoint, service
from tests.support.waiting import until

from .conftest import Cluster

PATH = "/api/v1/namespaces/default/services"
SLICES = "endpointslices"
BOTH = (SLICES, "services")
FILES = ("certificate-authority", "client-certificate", "client-key")


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
        with pytest.raises(ApiRefusedError, match="HTTP 401"):
            await services_of(api)
        assert await services_of(api) == ["web"]


@pytest.fixture
def pod_token(kubeconfig: Path, server: FakeApi, monkeypatch: pytest.MonkeyPatch) -> Path:
    """We are in a pod; this is its token, as a projected volume has it: a link that is turned to another file."""
    host, _, port = server.url.removeprefix("https://").partition(":")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)
    projected = kubeconfig.with_name("projected")
    projected.symlink_to("token")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(projected))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(kubeconfig.with_name("ca.crt")))
    return projected


def rotate(token: Path, server: FakeApi) -> None:
    """Only the second one is good from now on."""
    server.token = "second"
    token.with_name("next-token").write_text("second")
    token.with_name("link").symlink_to("next-token")
    token.with_name("link").replace(token)


async def test_token_of_a_pod_is_used_and_read_again(pod_token: Path, server: FakeApi) -> None:
    server.token = "first"
    async with await Api.connect(loader()) as api:
        assert await services_of(api) == ["web"]
        rotate(pod_token, server)
        with pytest.raises(ApiRefusedError, match="HTTP 401"):
            await services_of(api)
        assert await services_of(api) == ["web"]


async def follow(cluster: Cluster, server: FakeApi, load: Load) -> None:
    """List and watch over TLS, until a first word was said."""
    server.put(SLICES, a_slice(endpoint("10.0.0.1")))
    cluster.load = load
    cluster.follow()
    await cluster.says("10.0.0.1")
    await until(lambda: server.watched(*BOTH))


async def change_is_seen(cluster: Cluster, server: FakeApi) -> None:
    server.put(SLICES, a_slice(endpoint("10.0.0.2")))
    await cluster.says("10.0.0.2")
    assert len(cluster.said) == 2


@pytest.mark.parametrize("context", ["token", "certificate"])
@pytest.mark.parametrize("is_inline", [False, True])
async def test_service_is_followed_over_tls(
        cluster: Cluster, server: FakeApi, kubeconfig: Path, context: str, *, is_inline: bool) -> None:
    server.needs_certificate = context == "certificate"
    server.token = None if server.needs_certificate else "first"
    if is_inline:
        inline(kubeconfig)
    await follow(cluster, server, loader(kubeconfig, context))
    await change_is_seen(cluster, server)


async def test_pods_token_that_rotates_is_read_again_by_watches_that_are_resumed(
        cluster: Cluster, server: FakeApi, pod_token: Path, logs: list[EventDict]) -> None:
    server.token = "first"
    await follow(cluster, server, loader())
    rotate(pod_token, server)
    server.say(END)
    await until(lambda: server.count("watch", SLICES) >= 2 and server.watched(*BOTH))
    assert server.count("list", SLICES) == 1
    await change_is_seen(cluster, server)
    assert not {"first", "second"} & {word for line in logs for word in str(line).split()}


async def test_pods_token_that_rotates_is_read_again_by_the_list_after_an_outage(
        cluster: Cluster, server: FakeApi, pod_token: Path) -> None:
    server.token = "first"
    await follow(cluster, server, loader())
    server.fail(410, "watch", times=2)
    rotate(pod_token, server)
    server.reset()
    server.put(SLICES, a_slice(endpoint("10.0.0.2")))
    await cluster.says("10.0.0.2")
    assert cluster.metric("lbproxy_watch_up") == 1


def inline(kubeconfig: Path) -> None:
    """Put the certificates and the token into the file itself, as many clusters hand it out."""
    content = json.loads(kubeconfig.read_text())
    for part in (*(named["cluster"] for named in content["clusters"]), *(named["user"] for named in content["users"])):
        for key in part.keys() & set(FILES):
            content_of = kubeconfig.with_name(part.pop(key)).read_bytes()
            part[f"{key}-data"] = base64.b64encode(content_of).decode()
        if "tokenFile" in part:
            part["token"] = kubeconfig.with_name(part.pop("tokenFile")).read_text()
    kubeconfig.write_text(json.dumps(content))


async def test_server_of_another_authority_is_not_trusted(kubeconfig: Path, server: FakeApi) -> None:
    trustme.CA().cert_pem.write_to_path(kubeconfig.with_name("ca.crt"))
    async with await Api.connect(loader(kubeconfig)) as api:
        with pytest.raises(ApiUnreachableError):
            await services_of(api)
    assert not server.requests


@pytest.mark.parametrize("content", [None, "", "[]", "{", "kind: Config", "current-context: here"])
async def test_kubeconfig_that_is_none_is_reported_in_one_line(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "config"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError) as failure:
        await loader(path)(Configuration())
    assert "\n" not in str(failure.value)
    assert "--kubeconfig" in str(failure.value)


async def test_authority_that_is_no_certificate_is_reported(kubeconfig: Path) -> None:
    kubeconfig.with_name("ca.crt").write_text("none")
    with pytest.raises(ConfigError, match="certificate"):
        await Api.connect(loader(kubeconfig))


async def test_unknown_context_is_reported(kubeconfig: Path) -> None:
    with pytest.raises(ConfigError, match="--context"):
        await loader(kubeconfig, "elsewhere")(Configuration())
