"""What `lbproxy doctor` asks, from what it was given."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lbproxy.cli import main
from lbproxy.doctor.question import Asked, Cluster, Question
from lbproxy.model.address import Address

PutModule = Callable[[str, Callable[..., int]], None]
ADMIN = Address("127.0.0.1", 9180)


@pytest.fixture
def asked(put_module: PutModule) -> Callable[..., Question]:
    """Give the question that these arguments make."""
    questions: list[Question] = []

    def run(question: Question, *, as_json: bool) -> int:
        questions.append(question)
        return 1 if as_json else 0

    def ask(*arguments: str, code: int = 0) -> Question:
        assert main(["doctor", *arguments]) == code
        return questions[-1]

    put_module("doctor", run)
    return ask


def test_without_arguments_it_asks_for_the_defaults(asked: Callable[..., Question]) -> None:
    assert asked() == Question(Asked.USERSPACE, (), ADMIN, ("lc",))


@pytest.mark.parametrize("dataplane", list(Asked))
def test_dataplane_may_be_any_and_auto(asked: Callable[..., Question], dataplane: Asked) -> None:
    assert asked("--dataplane", dataplane).asked is dataplane


def test_exit_code_and_json_are_passed_on(asked: Callable[..., Question]) -> None:
    asked("--json", code=1)


def test_options_of_run_count(asked: Callable[..., Question]) -> None:
    question = asked("--listen", "[::]:80", "--backend", "[::1]:9001", "--scheduler", "wrr", "--admin", "off")
    assert question == Question(Asked.USERSPACE, (Address("::", 80),), None, ("wrr",))


def test_services_that_are_followed_make_each_namespace_a_question(
        asked: Callable[..., Question], tmp_path: Path) -> None:
    file = tmp_path / "lbproxy.yaml"
    file.write_text("kubeconfig: /etc/kubeconfig\nservices:\n  - {listen: 0.0.0.0:80, kubernetes: shop/a}\n"
                    "  - {listen: 0.0.0.0:81, kubernetes: shop/b}\n  - {listen: 0.0.0.0:82, kubernetes: web/c}\n")
    assert asked("--config", str(file), "--context", "blue").clusters == (
        Cluster("shop", Path("/etc/kubeconfig"), "blue"), Cluster("web", Path("/etc/kubeconfig"), "blue"))
    assert asked("--listen", "0.0.0.0:80", "--service", "default/web").clusters == (Cluster("default"),)


def test_services_of_the_file_count(asked: Callable[..., Question], tmp_path: Path) -> None:
    file = tmp_path / "lbproxy.yaml"
    file.write_text("admin: off\nservices:\n  - {listen: 0.0.0.0:80, scheduler: rr}\n  - listen: 0.0.0.0:81\n"
                    "  - {listen: 0.0.0.0:82, scheduler: rr}\n")
    question = asked("--config", str(file))
    assert question.schedulers == ("rr", "lc")
    assert [address.port for address in question.listens] == [80, 81, 82]


@pytest.mark.parametrize(("arguments", "line"), [
    (["--dataplane", "kernel"], "--dataplane: 'kernel' is unknown; write userspace, ipvs or auto"),
    (["--jsn"], "--jsn: unknown option; did you mean --json?"),
    (["--listen", "127.0.0.1:80"], "--listen: is of no use alone; add --backend ADDRESS or --service NAMESPACE/NAME"),
    (["--queue", "many"], "--queue: 'many' is not a number; write a number from 0 to 1000000"),
])
def test_mistake_is_one_line(arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", *arguments]) == 2
    assert capsys.readouterr() == ("", f"lbproxy: {line}\n")


def test_run_still_needs_a_service(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run"]) == 2
    assert "there is no service" in capsys.readouterr().err
