"""What a person sees."""

from io import StringIO

from rich.console import Console

from lbproxy.dataplanes.selection import DataplaneSelection, Preflight
from lbproxy.doctor.diagnosis import Diagnosis
from lbproxy.doctor.page import write
from lbproxy.model.finding import Finding, Verdict
from lbproxy.runtime.dataplanes import DATAPLANES

COMMAND = "echo " + "f" * 200


def diagnosis(requested: str, *common: Finding, **findings: Finding) -> Diagnosis:
    preflights = [Preflight(kind, (findings[kind.name],) if kind.name in findings else ())
                  for kind in DATAPLANES.kinds if requested in {kind.name, "auto"}]
    return Diagnosis(DataplaneSelection(DATAPLANES, requested, tuple(preflights)), common)


DIAGNOSIS = diagnosis(
    "auto",
    Finding("packets of eth0", Verdict.IMPROVABLE, "1 receive queue", "one CPU is the limit", COMMAND),
    userspace=Finding("descriptors", Verdict.OK, "plenty", "a connection takes two"),
    ipvs=Finding("ipvs", Verdict.FATAL, "absent", "it moves the bytes", "modprobe ip_vs"),
)


def shown(found: Diagnosis = DIAGNOSIS, *, is_terminal: bool = False) -> str:
    console = Console(file=StringIO(), width=80, force_terminal=is_terminal, no_color=False,
                      color_system="standard" if is_terminal else None)
    write(console, found)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_page_says_what_would_be_picked_and_how_it_stands() -> None:
    lines = shown().splitlines()
    assert lines[0] == "Dataplane auto, which would be userspace, as ipvs: absent"
    assert lines[-1] == "It works, but could be better. (exit code 1)"
    assert [line for line in lines if line.startswith("For ")] == ["For any dataplane", "For ipvs", "For userspace"]


def test_what_is_not_well_says_why_and_what_to_type() -> None:
    lines = shown().splitlines()
    place = lines.index("won't work       ipvs: absent")
    assert lines[place + 1:place + 3] == ["                 why: it moves the bytes",
                                          "                 fix: modprobe ip_vs"]


def test_what_is_well_is_one_line() -> None:
    lines = shown().splitlines()
    assert lines[lines.index("ok               descriptors: plenty") + 1] == ""


def test_command_to_type_is_never_broken() -> None:
    assert COMMAND in shown()


def test_long_text_is_wrapped_beside_the_verdicts_and_leaves_no_blanks_behind() -> None:
    long = Finding("uplink", Verdict.UNKNOWN, "word " * 40, "reason " * 30)
    body = shown(diagnosis("userspace", long)).split("For any dataplane\n")[1].split("\n\n")[0]
    first, *more = body.splitlines()
    assert first.startswith("unknown          uplink: word word")
    assert all(line.startswith(" " * 17) and line[17] != " " for line in more)
    assert all(len(line) <= 80 and line == line.rstrip() for line in (first, *more))


def test_only_a_terminal_gets_colours() -> None:
    assert "\x1b[" not in shown()
    assert "\x1b[31m" in shown(is_terminal=True).replace("1;31", "31")


def test_nothing_that_a_terminal_would_obey_comes_through() -> None:
    hostile = Finding("mtu of \x1b[2J", Verdict.FATAL, "[bold]\x1b]0;x\x07", "\x9b1m", "\x1b[3J")
    text = shown(diagnosis("userspace", hostile), is_terminal=False)
    assert not {"\x1b", "\x07", "\x9b"} & set(text)
    assert "[bold]" in text
