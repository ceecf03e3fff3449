"""The command line, called in this process: what it prints, where, and its exit code."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import lbproxy
from lbproxy.cli import main
from lbproxy.cli.commands import NAMES
from lbproxy.config import Config
from lbproxy.config.option_names import KNOWN, option, variable
from lbproxy.dataplanes.catalog import Dataplanes
from lbproxy.model.errors import BindError, ConfigError
from lbproxy.text.quoting import listed

PutModule = Callable[[str, Callable[..., int]], None]
Capture = pytest.CaptureFixture[str]

ONE = ["--listen", "127.0.0.1:80", "--backend", "127.0.0.1:9001", "--backend", "[::1]:9002,weight=2"]


def printed(arguments: Sequence[str], capsys: Capture) -> str:
    """Give what a command that succeeds prints."""
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def refused(arguments: Sequence[str], capsys: Capture) -> str:
    """Give the only line that a command that is refused prints."""
    line, = mistakes(arguments, capsys)
    return line


def mistakes(arguments: Sequence[str], capsys: Capture) -> list[str]:
    """Give all lines that a command that is refused prints."""
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert (out, err[-1:]) == ("", "\n")
    return err.splitlines()


def test_version_is_one_line(capsys: Capture) -> None:
    assert printed(["--version"], capsys) == f"lbproxy {lbproxy.__version__}\n"


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_names_the_commands(flag: str, capsys: Capture) -> None:
    text = printed([flag], capsys)
    assert [text.index(f"\n  {name} ") for name in NAMES] == sorted(
        text.index(f"\n  {name} ") for name in NAMES)


def test_help_says_of_each_command_what_it_does_in_a_whole_sentence(capsys: Capture) -> None:
    commands = printed(["--help"], capsys).partition("Commands:\n")[2].splitlines()
    assert [line for line in commands if line.endswith("...")] == []


@pytest.mark.parametrize("command", ["run", "check", "doctor"])
@pytest.mark.parametrize("name", [*KNOWN, "config"])
def test_help_shows_every_option_and_its_variable(command: str, name: str, capsys: Capture) -> None:
    text = printed([command, "--help"], capsys)
    entry = text[text.index(f"\n  {option(name)} "):]
    assert variable(name) in entry[:entry.find("\n  --", 1)]


@pytest.mark.parametrize(("name", "shown"), [
    ("workers", "N|auto"), ("workers", "default: auto"), ("scheduler", "lc|wlc|rr|wrr"), ("scheduler", "default: wlc"),
    ("admin", "default: 127.0.0.1:9180"), ("idle-timeout", "default: 1h"), ("queue-timeout", "default: 5s"),
    ("max-conns", "default: 0"), ("backend", "ADDRESS|NAME:PORT[,weight=N]"),
    ("listen", "repeatable"), ("config", "FILE"),
])
def test_help_shows_values_and_defaults(name: str, shown: str, capsys: Capture) -> None:
    text = printed(["run", "--help"], capsys)
    entry = text[text.index(f"\n  --{name} "):]
    assert shown in " ".join(entry[:entry.find("\n  --", 1)].split())


@pytest.mark.parametrize(("arguments", "line"), [
    ([], "Missing command; write a command first, such as lbproxy run, or see lbproxy --help"),
    (["serve"], f"'serve' is not a command; write {listed(NAMES)}"),
    (["chekc"], "'chekc' is not a command; did you mean check?"),
    (["\x1b[31m"], rf"'\x1b[31m' is not a command; write {listed(NAMES)}"),
    (["--listen", "x"],
     "--listen: unknown option; write a command first, such as lbproxy run, or see lbproxy --help"),
    (["run", "--conect-timeout", "1s"], "--conect-timeout: unknown option; did you mean --connect-timeout?"),
    (["run", "--zzz\n\x1b[31m"], r"--zzz\n\x1b[31m: unknown option; see lbproxy run --help"),
    (["run", "--" + "z" * 100], f"--{'z' * 58}…: unknown option; see lbproxy run --help"),
    (["run", "--listen"], "--listen: requires an argument; see lbproxy run --help"),
    (["check", "--help=3"], "--help: does not take a value; see lbproxy run --help"),
    (["run", "now"], "Got unexpected extra argument (now); see lbproxy run --help"),
    (["run", "--config", ""], "--config: the name is empty; write the path of a file"),
    (["run", "--config", "/nowhere"],
     "/nowhere: can't be read (No such file or directory); write the path of a readable file"),
    (["run", *ONE, "--workers", "0", "--queue", "x"],
     "--queue: 'x' is not a number; write a number from 0 to 1000000 (and 1 more)"),
    (["run", *ONE, "--cleanup"], ("--cleanup: is for the ipvs dataplane, userspace has no such option; "
                                       "remove it, or write --dataplane=ipvs")),
    (["run", *ONE, "--admin", "\x9b31m"],
     r"--admin: '\x9b31m' is not ADDRESS:PORT, such as 127.0.0.1:8080 or [::1]:8080"),
    (["demo", "--seconds", "0"], "--seconds: '0' is not a number of seconds above 0; write one, such as 5"),
    (["demo", "--seconds", "nan"], "--seconds: 'nan' is not a number of seconds above 0; write one, such as 5"),
    (["demo", "--listen", "x"], "--listen: unknown option; see lbproxy demo --help"),
])
def test_mistake_is_one_line_and_exit_code_2(arguments: list[str], line: str, capsys: Capture) -> None:
    assert refused(arguments, capsys) == f"lbproxy: {line}"


def test_mistake_in_a_file_is_named_by_file_line_and_key(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.chdir(tmp_path)
    Path("lbproxy.yaml").write_text("services:\n  - listen: 127.0.0.1:80\n    backends:\n"
                                    "      - 127.0.0.1:9001\n      - 127.0.0.1:9002,weight=300\n")
    assert refused(["run", "--config", "lbproxy.yaml"], capsys) == (
        "lbproxy: lbproxy.yaml:5: services[0].backends[1].weight: 300 is out of range; "
        "write a number from 0 to 100")


def test_check_names_all_mistakes_of_a_file_and_their_number(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.chdir(tmp_path)
    Path("lbproxy.yaml").write_text(
        "maxconn: 5\nservices:\n  - bind: 127.0.0.1:80\n    balance: leastconn\n    backends:\n"
        "      - {address: 127.0.0.1:9001, max-conns: 3}\n      - 127.0.0.1:9002,weight=300\n")
    assert mistakes(["check", "--config", "lbproxy.yaml"], capsys) == [
        "lbproxy: lbproxy.yaml:1: maxconn: unknown key; lbproxy calls it max-conns",
        "lbproxy: lbproxy.yaml:3: services[0].bind: unknown key; lbproxy calls it listen",
        "lbproxy: lbproxy.yaml:4: services[0].balance: unknown key; lbproxy calls it scheduler",
        ("lbproxy: lbproxy.yaml:6: services[0].backends[0].max-conns: is an option of the service, for all its "
         "backends; write it beside listen:, or as an option of lbproxy run"),
        "lbproxy: lbproxy.yaml:7: services[0].backends[1].weight: 300 is out of range; write a number from 0 to 100",
        ("lbproxy: lbproxy.yaml:3: services[0].listen: is missing; write an address, such as 127.0.0.1:8080, "
         "or a list of them"),
        "lbproxy: 6 mistakes"]


def test_check_names_unknown_keys_beside_contradictions(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.chdir(tmp_path)
    Path("lbproxy.yaml").write_text("wokers: 5\nservices:\n  - listen: 127.0.0.1:80\n  - listen: 127.0.0.1:80\n")
    lines = mistakes(["check", "--config", "lbproxy.yaml"], capsys)
    assert [line.split(": ")[2] for line in lines[:-1]] == ["wokers", "services[1].name", "services[1].listen[0]"]
    assert lines[-1] == "lbproxy: 3 mistakes"


def test_check_counts_a_single_mistake_too(capsys: Capture) -> None:
    assert mistakes(["check", *ONE, "--queue", "x"], capsys) == [
        "lbproxy: --queue: 'x' is not a number; write a number from 0 to 1000000", "lbproxy: 1 mistake"]


@pytest.mark.parametrize(("scheduler", "instead"), [("lc", "wlc"), ("rr", "wrr")])
def test_check_warns_where_the_scheduler_ignores_unequal_weights(scheduler: str, instead: str, capsys: Capture) -> None:
    assert main(["check", *ONE, "--scheduler", scheduler]) == 0
    assert capsys.readouterr().err == (f"lbproxy: warning: service default: scheduler {scheduler} ignores the weights "
                                       f"1 and 2; write scheduler {instead}\n")


def test_check_ends_with_valid(capsys: Capture) -> None:
    assert printed(["check", *ONE], capsys).splitlines()[-1] == "# valid"


@pytest.mark.parametrize(("theirs", "ours"), [
    ("--maxconn", "--max-conns"), ("--bind", "--listen"), ("--server", "--backend"), ("--balance", "--scheduler"),
    ("--timeout-connect", "--connect-timeout"), ("--nbthread", "--workers"),
])
def test_option_of_another_balancer_gets_our_word(theirs: str, ours: str, capsys: Capture) -> None:
    assert refused(["run", theirs, "1"], capsys) == f"lbproxy: {theirs}: unknown option; lbproxy calls it {ours}"


def test_check_prints_what_run_takes_and_has_the_same_effect(tmp_path: Path, capsys: Capture) -> None:
    first = printed(["check", *ONE, "--workers", "3", "--idle-timeout", "90s"], capsys)
    (tmp_path / "lbproxy.yaml").write_text(first)
    assert not first.endswith("\n\n")
    assert printed(["check", "--config", str(tmp_path / "lbproxy.yaml")], capsys) == first
    assert {"workers: 3", "idle-timeout: 1m30s", "      - '[::1]:9002,weight=2'"} <= set(first.splitlines())


def test_listen_and_backend_may_be_repeated(capsys: Capture) -> None:
    text = printed(["check", *ONE, "--listen", "[::1]:80"], capsys)
    assert text[text.index("    listen:"):].split() == [
        "listen:", "-", "127.0.0.1:80", "-", "'[::1]:80'",
        "backends:", "-", "127.0.0.1:9001", "-", "'[::1]:9002,weight=2'", "#", "valid"]


def test_environment_is_read_and_options_beat_it(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setenv("LBPROXY_QUEUE", "7")
    monkeypatch.setenv("LBPROXY_BACKEND", "127.0.0.1:1 127.0.0.1:2")
    monkeypatch.setenv("LBPROXY_LISTEN", "127.0.0.1:80")
    lines = printed(["check", "--listen", "127.0.0.1:81"], capsys).splitlines()
    assert {"queue: 7", "      - 127.0.0.1:81", "      - 127.0.0.1:2"} <= set(lines)
    assert "      - 127.0.0.1:80" not in lines


def test_mistake_in_a_variable_is_named_by_it(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setenv("LBPROXY_CONNECT_TIMEOUT", "5")
    assert refused(["run", *ONE], capsys) == (
        "lbproxy: LBPROXY_CONNECT_TIMEOUT: 5 has no unit; write 5s or 5ms")


def test_run_hands_over_the_configuration_and_gives_back_the_exit_code(put_module: PutModule) -> None:
    seen: list[Config] = []

    def run(config: Config, reload: Callable[[], Config], _: Dataplanes) -> int:
        seen.extend([config, reload()])
        return 7

    put_module("runtime.app", run)
    assert main(["run", *ONE, "--queue", "9"]) == 7
    assert seen[0].specs() == seen[1].specs()
    assert (seen[0].queue, list(seen[0].specs())) == (9, ["default"])


def test_reload_reads_the_file_anew_under_the_same_options(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, put_module: PutModule) -> None:
    path = tmp_path / "lbproxy.yaml"
    path.write_text("services: [{name: old, listen: 127.0.0.1:80}]")

    def run(config: Config, reload: Callable[[], Config], _: Dataplanes) -> int:
        path.write_text("{queue: 1, workers: 5, services: [{name: new, listen: 127.0.0.1:80}]}")
        monkeypatch.setenv("LBPROXY_QUEUE", "3")
        after = reload()
        assert (list(config.specs()), list(after.specs())) == (["old"], ["new"])
        assert (after.queue, after.workers, after.config_file) == (2, 5, path)
        return 0

    put_module("runtime.app", run)
    monkeypatch.setenv("LBPROXY_QUEUE", "2")
    assert main(["run", "--config", str(path)]) == 0


@pytest.mark.parametrize("mistake", [
    BindError("127.0.0.1:80 is in use; write another port"), ConfigError("127.0.0.1:80 is in use; write another port"),
])
def test_mistake_that_shows_only_at_start_is_one_line_too(
        mistake: Exception, put_module: PutModule, capsys: Capture) -> None:
    def run(_config: Config, _reload: Callable[[], Config], _: Dataplanes) -> int:
        raise mistake

    put_module("runtime.app", run)
    assert refused(["run", *ONE], capsys) == "lbproxy: 127.0.0.1:80 is in use; write another port"


def test_nothing_starts_when_the_configuration_is_bad(put_module: PutModule) -> None:
    put_module("runtime.app", lambda *_: pytest.fail("it started"))
    assert main(["run", *ONE, "--queue", "x"]) == 2


@pytest.mark.parametrize(("arguments", "seconds"), [([], None), (["--seconds", "5"], 5.0), (["--seconds", "0.5"], 0.5)])
def test_demo_is_given_its_seconds(arguments: list[str], seconds: float | None, put_module: PutModule) -> None:
    seen: list[float | None] = []

    def run(seconds: float | None) -> int:
        seen.append(seconds)
        return 4

    put_module("demo", run)
    assert (main(["demo", *arguments]), seen) == (4, [seconds])


def test_interrupt_is_130_without_a_traceback(put_module: PutModule, capsys: Capture) -> None:
    def run(_seconds: float | None) -> int:
        raise KeyboardInterrupt

    put_module("demo", run)
    assert main(["demo"]) == 130
    assert capsys.readouterr() == ("", "\n")


def test_programming_error_is_not_disguised_as_a_mistake_of_the_user(put_module: PutModule) -> None:
    def run(_seconds: float | None) -> int:
        raise RuntimeError("a bug")

    put_module("demo", run)
    with pytest.raises(RuntimeError, match="a bug"):
        main(["demo"])
