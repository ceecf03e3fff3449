"""What `lbproxy doctor` asks, from what it was given."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lbproxy.cli import main
from lbproxy.config import Config
from lbproxy.dataplanes.catalog import Dataplanes
from lbproxy.doctor.clusters import Cluster, clusters_of
from lbproxy.model.address import Address
from lbproxy.runtime.dataplanes import DATAPLANES

PutModule = Callable[[str, Callable[..., int]], None]


@pytest.fixture
def asked(put_module: PutModule) -> Callable[..., Config]:
    """Give the configuration that these arguments make."""
    configs: list[Config] = []

    def run(config: Config, dataplanes: Dataplanes, *, as_json: bool) -> int:
        assert dataplanes is DATAPLANES
        configs.append(config)
        return 1 if as_json else 0

    def ask(*arguments: str, code: int = 0) -> Config:
        assert main(["doctor", *arguments]) == code
        return configs[-1]

    put_module("doctor", run)
    return ask


def test_without_arguments_it_asks_for_the_defaults(asked: Callable[..., Config]) -> None:
    config = asked()
    assert (config.dataplane, config.services, config.scheduler) == ("userspace", (), "wlc")


@pytest.mark.parametrize("dataplane", DATAPLANES.words)
def test_dataplane_may_be_any_and_auto(asked: Callable[..., Config], dataplane: str) -> None:
    assert asked("--dataplane", dataplane).dataplane == dataplane


def test_exit_code_and_json_are_passed_on(asked: Callable[..., Config]) -> None:
    asked("--json", code=1)


def test_options_of_run_count(asked: Callable[..., Config]) -> None:
    config = asked("--listen", "[::]:80", "--backend", "[::1]:9001", "--scheduler", "wrr", "--admin", "off")
    assert (config.services[0].listen, config.admin_address, config.scheduler) == ((Address("::", 80),), None, "wrr")


def test_services_that_are_followed_make_each_namespace_a_question(
        asked: Callable[..., Config], tmp_path: Path) -> None:
    file = tmp_path / "lbproxy.yaml"
    file.write_text("kubeconfig: /etc/kubeconfig\nservices:\n  - {listen: 0.0.0.0:80, kubernetes: shop/a}\n"
                    "  - {listen: 0.0.0.0:81, kubernetes: shop/b}\n  - {listen: 0.0.0.0:82, kubernetes: web/c}\n")
    assert clusters_of(asked("--config", str(file), "--context", "blue")) == (
        Cluster("shop", Path("/etc/kubeconfig"), "blue"), Cluster("web", Path("/etc/kubeconfig"), "blue"))
    assert clusters_of(asked("--listen", "0.0.0.0:80", "--service", "default/web")) == (Cluster("default"),)


@pytest.mark.parametrize(("arguments", "line"), [
    (["--dataplane", "kernel"], "--dataplane: 'kernel' is unknown; write ipvs, userspace or auto"),
    (["--jsn"], "--jsn: unknown option; did you mean --json?"),
    (["--listen", "127.0.0.1:80"],
     "--listen: is not enough on its own; add --backend ADDRESS or --service NAMESPACE/NAME"),
    (["--queue", "many"], "--queue: 'many' is not a number; write a number from 0 to 1000000"),
])
def test_mistake_is_one_line(arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", *arguments]) == 2
    assert capsys.readouterr() == ("", f"lbproxy: {line}\n")


def test_run_still_needs_a_service(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run"]) == 2
    assert "there is no service" in capsys.readouterr().err
