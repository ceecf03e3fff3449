"""Manifests as the cluster would get them: rendered by kustomize itself."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

REPOSITORY = Path(__file__).parents[2]
DEPLOY = REPOSITORY / "deploy"
SUPPORTED = "v4"
"""Components and directories as resources are unknown to kustomize before 4, which kubectl has since 1.21."""

Manifest = dict[str, Any]


def render(folder: Path) -> list[Manifest]:
    """What `kubectl apply -k` would send."""
    done = subprocess.run([_kubectl(), "kustomize", folder], capture_output=True, text=True, check=False)
    assert not done.stderr, done.stderr
    return list(YAML(typ="safe").load_all(done.stdout))


def only(manifests: list[Manifest], kind: str) -> Manifest:
    """The one manifest of that kind."""
    (found,) = (manifest for manifest in manifests if manifest["kind"] == kind)
    return found


def pod_spec(manifests: list[Manifest]) -> Manifest:
    """What the Deployment makes pods of."""
    spec: Manifest = only(manifests, "Deployment")["spec"]["template"]["spec"]
    return spec


def containers(manifests: list[Manifest]) -> Iterator[Manifest]:
    """Every container of its pods, those that run before the others too."""
    spec = pod_spec(manifests)
    yield from spec.get("initContainers", [])
    yield from spec["containers"]


def container(manifests: list[Manifest], name: str) -> Manifest:
    """The container of that name."""
    (found,) = (each for each in containers(manifests) if each["name"] == name)
    return found


def _kubectl() -> str:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("needs kubectl, for its kustomize")
    said = subprocess.run([kubectl, "version", "--client"], capture_output=True, text=True, check=False).stdout
    version = said.partition("Kustomize Version: ")[2].strip()
    if version < SUPPORTED:
        pytest.skip(f"needs kubectl 1.21 or newer, for kustomize {SUPPORTED}; this one has {version or 'an older one'}")
    return kubectl
