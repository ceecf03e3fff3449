"""RBAC, asked of an API server."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lbproxy.doctor.access import access
from lbproxy.doctor.clusters import Cluster
from lbproxy.model.finding import Finding, Verdict

from .fake_reviews import FakeReviews


@pytest.fixture
async def server() -> AsyncIterator[FakeReviews]:
    server = FakeReviews()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def kubeconfig(server: FakeReviews, tmp_path: Path) -> Path:
    return server.kubeconfig(tmp_path)


async def asked(kubeconfig: Path, namespace: str = "web", context: str | None = None) -> Finding:
    found, = await access([Cluster(namespace, kubeconfig, context)])
    return found


async def test_account_that_may_follow_is_well(server: FakeReviews, kubeconfig: Path) -> None:
    server.allow("web", "list", "watch")
    found = await asked(kubeconfig)
    assert (found.name, found.verdict, found.fix) == ("access to web", Verdict.OK, "")
    assert set(server.asked) == server.rules


async def test_what_is_not_allowed_is_named_with_the_role_that_allows_it(server: FakeReviews, kubeconfig: Path) -> None:
    server.allow("web", "list", "watch")
    server.rules -= {("web", "discovery.k8s.io", "endpointslices", "watch"), ("web", "", "services", "list")}
    found = await asked(kubeconfig)
    assert (found.verdict, found.seen) == (Verdict.FATAL, "not allowed: watch endpointslices, list services")
    assert found.fix.startswith("kubectl -n web create role lbproxy --verb=list,watch "
                                "--resource=endpointslices.discovery.k8s.io,services && ")


async def test_each_namespace_is_judged_once(server: FakeReviews, kubeconfig: Path) -> None:
    server.allow("web", "list", "watch")
    clusters = [Cluster(namespace, kubeconfig) for namespace in ("web", "shop", "web")]
    assert {found.name: found.verdict for found in await access(clusters)} == {
        "access to web": Verdict.OK, "access to shop": Verdict.FATAL}
    assert len(server.asked) == 8


async def test_credentials_that_are_refused_are_told_without_repeating_them(kubeconfig: Path) -> None:
    found = await asked(kubeconfig, context="wrong")
    assert (found.verdict, found.seen) == (Verdict.FATAL, "the API server answers HTTP 401 Unauthorized")
    assert "guessed" not in repr(found)


async def test_server_that_refuses_to_review_is_told(server: FakeReviews, kubeconfig: Path) -> None:
    server.status, server.body = 403, "{}"
    found = await asked(kubeconfig)
    assert (found.verdict, found.seen) == (Verdict.FATAL, "the API server answers HTTP 403 Forbidden")


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"status": null}', '{"status": {}}', "\x1b[31m"])
async def test_answer_that_is_none_is_told(server: FakeReviews, kubeconfig: Path, body: str) -> None:
    server.body = body
    found = await asked(kubeconfig)
    assert (found.verdict, found.seen) == (Verdict.FATAL, "the API server's answer can't be read")


async def test_anything_but_a_true_is_a_no(server: FakeReviews, kubeconfig: Path) -> None:
    server.body = '{"status": {"allowed": "false"}}'
    assert (await asked(kubeconfig)).seen.startswith("not allowed: list endpointslices, ")


async def test_server_that_is_not_there_is_told(server: FakeReviews, kubeconfig: Path) -> None:
    await server.stop()
    found = await asked(kubeconfig)
    assert (found.verdict, "can't be reached" in found.seen, bool(found.fix)) == (Verdict.FATAL, True, True)


async def test_kubeconfig_that_is_not_there_is_told(tmp_path: Path) -> None:
    found = await asked(tmp_path / "none")
    assert (found.verdict, "no usable kubeconfig" in found.seen, "--kubeconfig" in found.fix) == (
        Verdict.FATAL, True, True)
