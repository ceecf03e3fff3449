"""Manifests that a cluster accepts and whose parts find each other."""

import os
from pathlib import Path

import pytest

import lbproxy
from tests.support.rendering import DEPLOY, Manifest, container, containers, only, pod_spec, render

schemas = pytest.importorskip("kubernetes_validate")

VERSIONS = ["1.30", "1.37"]
"""The oldest that the manifests are for (topology spread with matchLabelKeys is on by default there), and a new one."""


@pytest.mark.parametrize("version", VERSIONS)
def test_every_field_is_one_that_kubernetes_knows(manifests: list[Manifest], version: str) -> None:
    for manifest in manifests:
        schemas.validate(manifest, version, strict=True)


def test_a_misspelt_field_would_be_found(userspace: list[Manifest]) -> None:
    deployment = only(userspace, "Deployment")
    misspelt = {**deployment, "spec": {**deployment["spec"], "minReadySecond": 5}}
    with pytest.raises(schemas.ValidationError, match="minReadySecond"):
        schemas.validate(misspelt, VERSIONS[0], strict=True)


def test_every_namespaced_resource_says_its_namespace(manifests: list[Manifest]) -> None:
    for manifest in manifests:
        assert manifest["kind"] == "Namespace" or manifest["metadata"].get("namespace"), manifest


def test_whoever_selects_pods_selects_those_of_the_deployment(manifests: list[Manifest]) -> None:
    labels = only(manifests, "Deployment")["spec"]["template"]["metadata"]["labels"].items()
    selectors = [selector for manifest in manifests for selector in _selectors(manifest)]
    assert len(selectors) >= 2
    assert all(selector and selector.items() <= labels for selector in selectors)


def test_every_port_named_is_one_of_the_container(manifests: list[Manifest]) -> None:
    (main,) = pod_spec(manifests)["containers"]
    known = {port["name"] for port in main["ports"]}
    assert set(_named_ports(manifests)) <= known


def test_every_volume_is_a_config_map_of_the_same_namespace(manifests: list[Manifest]) -> None:
    deployment, config_map = only(manifests, "Deployment"), only(manifests, "ConfigMap")
    assert config_map["metadata"]["namespace"] == deployment["metadata"]["namespace"]
    (volume,) = pod_spec(manifests)["volumes"]
    assert volume["configMap"]["name"] == config_map["metadata"]["name"]
    mounted = {mount["name"] for each in containers(manifests) for mount in each.get("volumeMounts", [])}
    assert mounted == {volume["name"]}


def test_every_image_is_that_of_this_version(manifests: list[Manifest]) -> None:
    assert {each["image"] for each in containers(manifests)} == {f"lbproxy:{lbproxy.__version__}"}


def test_an_image_of_ones_own_reaches_every_container(tmp_path: Path) -> None:
    mine = _overlay(tmp_path, DEPLOY / "ipvs", "images: [{name: lbproxy, newName: mine, newTag: '1'}]")
    assert {each["image"] for each in containers(render(mine))} == {"mine:1"}


def test_every_container_asks_for_what_it_needs_and_has_a_memory_limit(manifests: list[Manifest]) -> None:
    for each in containers(manifests):
        assert set(each["resources"]["requests"]) == {"cpu", "memory"}
        assert set(each["resources"]["limits"]) == {"memory"}, "a CPU limit would throttle"


def test_a_rollout_and_a_node_drain_leave_a_replica(balancer: list[Manifest]) -> None:
    spec = only(balancer, "Deployment")["spec"]
    assert spec["replicas"] == 2
    assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert only(balancer, "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1
    spread = {each["topologyKey"] for each in pod_spec(balancer)["topologySpreadConstraints"]}
    assert spread == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}


def test_only_the_monitoring_namespace_gets_at_the_admin_port(balancer: list[Manifest]) -> None:
    (web, admin) = only(balancer, "NetworkPolicy")["spec"]["ingress"]
    assert [port["port"] for port in web["ports"]] == ["web"]
    assert [port["port"] for port in admin["ports"]] == ["admin"]
    assert admin["from"] == [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]
    assert [port["targetPort"] for port in only(balancer, "Service")["spec"]["ports"]] == ["web"]


def test_the_pod_monitor_component_scrapes_the_admin_port(tmp_path: Path) -> None:
    component = os.path.relpath(DEPLOY / "components" / "pod-monitor", tmp_path)
    rendered = render(_overlay(tmp_path, DEPLOY / "userspace", f"components: [{component}]"))
    monitor, main = only(rendered, "PodMonitor"), container(rendered, "lbproxy")
    assert monitor["metadata"]["namespace"] == only(rendered, "Deployment")["metadata"]["namespace"]
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert endpoint["path"] == "/metrics"
    assert endpoint["port"] in {port["name"] for port in main["ports"]}


def _overlay(folder: Path, base: Path, more: str) -> Path:
    text = f"resources: [{os.path.relpath(base, folder)}]\n{more}\n"
    (folder / "kustomization.yaml").write_text(text)
    return folder


def _selectors(manifest: Manifest) -> list[dict[str, str]]:
    spec = manifest.get("spec", {})
    match manifest["kind"]:
        case "Service":
            return [spec["selector"]]
        case "PodDisruptionBudget":
            return [spec["selector"]["matchLabels"]]
        case "NetworkPolicy":
            return [spec["podSelector"]["matchLabels"]]
        case "Deployment":
            spread = spec["template"]["spec"].get("topologySpreadConstraints", [])
            return [each["matchLabels"] for each in [spec["selector"], *(each["labelSelector"] for each in spread)]]
    return []


def _named_ports(manifests: list[Manifest]) -> list[str]:
    (main,) = pod_spec(manifests)["containers"]
    probed = [main[probe]["httpGet"]["port"] for probe in main if probe.endswith("Probe")]
    served = [port["targetPort"] for port in only(manifests, "Service")["spec"]["ports"]]
    policies = [each for each in manifests if each["kind"] == "NetworkPolicy"]
    allowed = [port["port"] for each in policies for rule in each["spec"]["ingress"] for port in rule["ports"]]
    return [*probed, *served, *allowed]
