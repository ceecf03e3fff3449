"""The image in a cluster: it follows a Service with the token that its pod was given, and nothing else."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from lbproxy.model.address import Address
from tests.support.fake_api import FakeApi
from tests.support.objects import a_slice, endpoint, port, service

from .container import Container, Given, Start
from .serving import Backend, answers, get

pytestmark = pytest.mark.timeout(600)  # the first test of a module builds the image

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
TOKEN = "t0ken"


@pytest.fixture
async def api(tmp_path: Path, backend: Backend) -> AsyncIterator[FakeApi]:
    """It wants the token, has the Service default/web with one pod, and a certificate of its cluster's authority."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    api = FakeApi()
    api.token = TOKEN
    api.put("services", service())
    api.put("endpointslices", a_slice(endpoint(backend.address.host), ports=[port(backend.address.port)]))
    await api.start(context)
    account = tmp_path / "account"
    account.mkdir()
    authority.cert_pem.write_to_path(account / "ca.crt")
    (account / "token").write_text(TOKEN)
    yield api
    await api.stop()


@pytest.fixture
def pod(start: Start, api: FakeApi, tmp_path: Path, listen: Address, admin: Address) -> Container:
    """As deploy/userspace starts it, but for the ports: they are those of the test's own network."""
    configuration = tmp_path / "configuration"
    configuration.mkdir()
    (configuration / "lbproxy.yaml").write_text(
        f"admin: {admin}\nworkers: 1\nservices:\n"
        f"  - {{name: web, listen: '{listen}', kubernetes: {{service: default/web, port: http}}}}\n")
    return start("run", "--config=/etc/lbproxy/lbproxy.yaml", given=Given(
        {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(api.port), "LBPROXY_ZONE": ""},
        {ACCOUNT: tmp_path / "account", "/etc/lbproxy": configuration}))


@pytest.mark.usefixtures("pod")
async def test_it_follows_a_service_with_its_pods_token(listen: Address, admin: Address, api: FakeApi) -> None:
    await answers(admin, "/readyz", 200)
    assert await get(listen, "/") == (200, "ok\n")
    api.put("endpointslices", a_slice())
    await answers(admin, "/readyz", 503)
