"""Rules and dashboard reach a cluster as the documentation says."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.support.rendering import DEPLOY, render

from .dashboard import dashboard
from .rules import REPOSITORY, groups

PAGE = REPOSITORY / "docs" / "metrics.md"


def test_the_dashboard_is_a_config_map_that_grafanas_sidecar_takes(tmp_path: Path) -> None:
    component = os.path.relpath(DEPLOY / "monitoring", tmp_path)
    tmp_path.joinpath("kustomization.yaml").write_text(json.dumps({
        "apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "components": [component]}))
    (manifest,) = render(tmp_path)
    assert (manifest["kind"], manifest["metadata"]["labels"]) == ("ConfigMap", {"grafana_dashboard": "1"})
    assert json.loads(manifest["data"]["dashboard.json"]) == dashboard()


def test_the_command_of_the_documentation_makes_a_prometheus_rule() -> None:
    command = re.search(r"^\$ (\{ printf .*?\}) \| kubectl apply", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert command
    done = subprocess.run(["sh", "-c", command[1]], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    made = YAML(typ="safe").load(done.stdout)
    assert (made["kind"], made["metadata"]) == ("PrometheusRule", {"name": "lbproxy", "namespace": "lbproxy"})
    assert made["spec"]["groups"] == groups()


@pytest.mark.parametrize("name", ["rules.yaml", "dashboard.json"])
def test_what_is_installed_names_no_machine(name: str) -> None:
    text = (DEPLOY / "monitoring" / name).read_text()
    assert not re.search(r"localhost|127\.0\.0\.1|https?://", text)
