"""What the pods may ask of the API server: as little as they need."""

from tests.support.rendering import Manifest, only, pod_spec

READ = ["list", "watch"]
"""Exactly what is asked for: tests/kubernetes/test_access.py."""


def test_the_role_allows_to_read_slices_and_services_and_nothing_else(userspace: list[Manifest]) -> None:
    assert only(userspace, "Role")["rules"] == [
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": READ},
        {"apiGroups": [""], "resources": ["services"], "verbs": READ},
    ]


def test_ipvs_asks_the_api_for_no_more_than_userspace(userspace: list[Manifest], ipvs: list[Manifest]) -> None:
    assert only(ipvs, "Role") == only(userspace, "Role")


def test_nothing_is_granted_for_the_whole_cluster(balancer: list[Manifest]) -> None:
    assert not {"ClusterRole", "ClusterRoleBinding"} & {manifest["kind"] for manifest in balancer}


def test_the_role_is_where_the_balanced_service_is(userspace: list[Manifest], example: list[Manifest]) -> None:
    namespace = only(example, "Service")["metadata"]["namespace"]
    assert only(userspace, "Role")["metadata"]["namespace"] == namespace
    assert only(userspace, "RoleBinding")["metadata"]["namespace"] == namespace


def test_the_role_is_bound_to_the_pods_account(userspace: list[Manifest]) -> None:
    account, binding = only(userspace, "ServiceAccount")["metadata"], only(userspace, "RoleBinding")
    assert binding["roleRef"]["name"] == only(userspace, "Role")["metadata"]["name"]
    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "name": account["name"], "namespace": account["namespace"]}]
    assert pod_spec(userspace)["serviceAccountName"] == account["name"]


def test_only_a_pod_that_uses_the_api_gets_a_token(
    userspace: list[Manifest], static: list[Manifest], example: list[Manifest]
) -> None:
    assert only(userspace, "ServiceAccount")["automountServiceAccountToken"] is False
    mounted = [pod_spec(each)["automountServiceAccountToken"] for each in (userspace, static, example)]
    assert mounted == [True, False, False]


def test_static_backends_need_no_role(static: list[Manifest]) -> None:
    assert not {"Role", "RoleBinding"} & {manifest["kind"] for manifest in static}
