"""The Pod Security profile `restricted`, rule by rule, and what the IPVS dataplane asks for beyond it.

The rules: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

import pytest

from tests.support.rendering import Manifest, container, containers, only, pod_spec

ENFORCE = "pod-security.kubernetes.io/enforce"


@pytest.fixture(scope="session", params=["userspace", "static", "example"])
def restricted(request: pytest.FixtureRequest) -> list[Manifest]:
    chosen: list[Manifest] = request.getfixturevalue(request.param)
    return chosen


def test_no_container_shares_anything_with_its_node(manifests: list[Manifest]) -> None:
    spec = pod_spec(manifests)
    assert not any(spec.get(shared) for shared in ("hostNetwork", "hostPID", "hostIPC"))
    assert not any(port.get("hostPort") for each in containers(manifests) for port in each.get("ports", []))
    assert {kind for volume in spec["volumes"] for kind in volume} == {"name", "configMap"}


def test_every_container_runs_as_a_numbered_user_who_is_not_root(restricted: list[Manifest]) -> None:
    security = pod_spec(restricted)["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["runAsUser"] > 0
    assert security["runAsGroup"] > 0
    for each in containers(restricted):
        assert not {"runAsNonRoot", "runAsUser", "runAsGroup"} & set(each["securityContext"]), "that would override it"


def test_every_container_has_no_capability_and_can_get_none(restricted: list[Manifest]) -> None:
    for each in containers(restricted):
        security = each["securityContext"]
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert security["allowPrivilegeEscalation"] is False
        assert not security.get("privileged")


def test_every_container_may_make_only_the_runtimes_usual_system_calls(restricted: list[Manifest]) -> None:
    assert pod_spec(restricted)["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not any("seccompProfile" in each["securityContext"] for each in containers(restricted))


def test_no_pod_wants_other_sysctls_or_labels_than_restricted_knows(restricted: list[Manifest]) -> None:
    security = pod_spec(restricted)["securityContext"]
    assert set(security) == {"runAsNonRoot", "runAsUser", "runAsGroup", "seccompProfile"}


def test_no_container_can_write_to_its_image(manifests: list[Manifest]) -> None:
    assert all(each["securityContext"]["readOnlyRootFilesystem"] is True for each in containers(manifests))


def test_the_namespace_lets_the_cluster_enforce_that(userspace: list[Manifest], static: list[Manifest]) -> None:
    for manifests in (userspace, static):
        assert only(manifests, "Namespace")["metadata"]["labels"][ENFORCE] == "restricted"


def test_ipvs_adds_one_capability_and_lets_no_other_be_gained(ipvs: list[Manifest]) -> None:
    security = container(ipvs, "lbproxy")["securityContext"]
    assert security["capabilities"] == {"drop": ["ALL"], "add": ["NET_ADMIN"]}
    assert security["allowPrivilegeEscalation"] is False
    assert "privileged" not in security
    assert pod_spec(ipvs)["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}


def test_ipvs_is_user_0_as_an_added_capability_reaches_no_other(ipvs: list[Manifest]) -> None:
    security = pod_spec(ipvs)["securityContext"]
    assert (security["runAsUser"], security["runAsNonRoot"]) == (0, False)


def test_ipvs_is_privileged_only_before_it_serves_and_in_a_namespace_that_says_so(ipvs: list[Manifest]) -> None:
    privileged = [each["name"] for each in containers(ipvs) if each["securityContext"].get("privileged")]
    assert privileged == [each["name"] for each in pod_spec(ipvs)["initContainers"]] == ["sysctls"]
    assert only(ipvs, "Namespace")["metadata"]["labels"][ENFORCE] == "privileged"
