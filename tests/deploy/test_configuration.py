"""The configuration in the ConfigMap, and what the manifests around it presume."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from lbproxy.text.units import parse_duration
from tests.support.rendering import Manifest, container, only, pod_spec

ZONE, ZONE_LABEL = "LBPROXY_ZONE", "topology.kubernetes.io/zone"
GOODBYE = 10.0
"""Seconds that remain between the end of draining and the kubelet's SIGKILL."""


@pytest.mark.parametrize("zone", ["", "eu-1a"])
def test_lbproxy_accepts_the_configuration_in_a_pod_with_or_without_a_zone(
    balancer: list[Manifest], tmp_path: Path, zone: str
) -> None:
    done = _checked(_text(balancer), tmp_path, {ZONE: zone})
    assert (done.returncode, done.stderr) == (0, "")
    assert f"zone: {zone}" in done.stdout


def test_the_zone_is_the_label_of_the_node_by_the_downward_api(balancer: list[Manifest]) -> None:
    assert container(balancer, "lbproxy")["env"] == [
        {"name": ZONE, "valueFrom": {"fieldRef": {"fieldPath": f"metadata.labels['{ZONE_LABEL}']"}}}]
    assert ZONE_LABEL in {each["topologyKey"] for each in pod_spec(balancer)["topologySpreadConstraints"]}


def test_the_container_reads_the_file_that_is_mounted(balancer: list[Manifest]) -> None:
    main = container(balancer, "lbproxy")
    (mount,) = main["volumeMounts"]
    (name,) = only(balancer, "ConfigMap")["data"]
    assert f"--config={mount['mountPath']}/{name}" in main["args"]
    assert "subPath" not in mount, "such a file never changes"


def test_an_edit_changes_no_name_and_so_restarts_no_pod(balancer: list[Manifest]) -> None:
    assert only(balancer, "ConfigMap")["metadata"]["name"] == "lbproxy"


def test_the_kubelet_waits_until_connections_have_drained(balancer: list[Manifest]) -> None:
    given = configured(balancer)
    needed = parse_duration(given["shutdown-delay"]) + parse_duration(given["drain-timeout"])
    assert pod_spec(balancer)["terminationGracePeriodSeconds"] >= needed + GOODBYE


def test_probes_and_scrapes_find_the_admin_server(balancer: list[Manifest]) -> None:
    host, _, port = configured(balancer)["admin"].rpartition(":")
    assert host == "0.0.0.0"
    assert int(port) == _container_ports(balancer)["admin"]


def test_probes_ask_what_they_mean(balancer: list[Manifest]) -> None:
    main = container(balancer, "lbproxy")
    asked = {probe: main[probe]["httpGet"]["path"] for probe in main if probe.endswith("Probe")}
    assert asked == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}


def test_every_address_listened_on_is_a_port_of_the_container(balancer: list[Manifest]) -> None:
    listening = {int(service["listen"].rpartition(":")[2]) for service in configured(balancer)["services"]}
    assert listening == set(_container_ports(balancer).values()) - {_container_ports(balancer)["admin"]}


def test_the_balanced_service_is_the_examples_and_has_that_port(
    userspace: list[Manifest], example: list[Manifest]
) -> None:
    (followed,) = (service["kubernetes"] for service in configured(userspace)["services"])
    service = only(example, "Service")
    assert followed["service"] == f"{service['metadata']['namespace']}/{service['metadata']['name']}"
    assert followed["port"] in {port["name"] for port in service["spec"]["ports"]}


def test_ipvs_is_the_same_configuration_with_the_other_dataplane(
    userspace: list[Manifest], ipvs: list[Manifest]
) -> None:
    before, after = configured(userspace), configured(ipvs)
    assert before.pop("workers") == 2
    assert after == {**before, "dataplane": "ipvs", "cleanup": "on"}
    assert container(ipvs, "lbproxy")["args"] == container(userspace, "lbproxy")["args"]


def _checked(text: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    file = folder / "lbproxy.yaml"
    file.write_text(text)
    plain = {name: value for name, value in os.environ.items() if not name.startswith("LBPROXY_")}
    return subprocess.run([sys.executable, "-m", "lbproxy", "check", "--config", file],
                          capture_output=True, text=True, check=False, env=plain | environment)


def _text(manifests: list[Manifest]) -> str:
    return str(only(manifests, "ConfigMap")["data"]["lbproxy.yaml"])


def configured(manifests: list[Manifest]) -> Manifest:
    """The options of the file in the ConfigMap."""
    values: Manifest = YAML(typ="safe").load(_text(manifests))
    return values


def _container_ports(manifests: list[Manifest]) -> dict[str, int]:
    return {port["name"]: port["containerPort"] for port in container(manifests, "lbproxy")["ports"]}
