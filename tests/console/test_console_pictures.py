"""What status, top and explain draw of an answer, whatever is in it."""

import pytest
from rich.console import Console, RenderableType

from lbproxy.console.explain_display import explanation
from lbproxy.console.formatting import rate
from lbproxy.console.status_display import Rate, rates, status, top
from lbproxy.text.terminal import format_size

from .samples import backend, explained, program, state

HOSTILE = "\x1b[31m[bold]x\n"


def drawn(picture: RenderableType) -> str:
    console = Console(width=160, highlight=False, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    with console.file:
        console.print(picture)
        return console.export_text()


def test_status_shows_readiness_reasons_and_rejections() -> None:
    text = drawn(status(state(backend(), backend("192.0.2.2:80", "down", "not ready", active=1234))))
    assert text.splitlines()[0].rstrip() == "ready  lbproxy 1.2, userspace, pid 7, up 95s"
    assert "web  192.0.2.9:80  lc  rejected: 3 no_backend" in text
    assert text.index("192.0.2.2:80  down (not ready)") < text.index("192.0.2.1:80  active "), "trouble comes first"
    assert "1,234" in text


def test_trouble_is_shown_at_the_top() -> None:
    told = state(program=program(not_ready="no usable backend", trouble="address in use"))
    lines = [line.rstrip() for line in drawn(status(told)).splitlines()]
    assert lines[0].startswith("NOT READY ")
    assert lines[1:3] == ["not ready: no usable backend", "not applied: address in use"]


@pytest.mark.parametrize("field", ["configuration_refused", "trouble", "not_healthy"])
def test_ready_does_not_stand_alone_over_trouble(field: str) -> None:
    told = program()
    told[field] = "line 3"  # type: ignore[literal-required]  # a field of text
    lines = drawn(status(state(program=told))).splitlines()
    assert lines[0].startswith("ready, with trouble ")
    assert lines[1].rstrip().endswith(": line 3")


def test_top_shows_what_fits_and_says_how_many_more_there_are() -> None:
    backends = [backend(f"192.0.2.{number}:80", active=number) for number in range(1, 10)]
    text = drawn(top(state(*backends), {("web", "192.0.2.9:80"): Rate(3.25, 1500.0)}, height=2))
    assert "192.0.2.9:80" in text
    assert "192.0.2.7:80" not in text
    assert "45 connections, 3.2 new/s, 1.5 kB/s, 3 rejected in all" in text
    assert "and 7 more; Ctrl-C to quit" in text


def test_rates_are_differences_by_time_and_never_negative() -> None:
    before = state(backend(connections=10, sent=1000), backend("192.0.2.2:80", connections=50))
    after = state(backend(connections=14, sent=3000), backend("192.0.2.2:80", connections=1), backend("192.0.2.3:80"))
    assert rates(before, after, 2.0) == {("web", "192.0.2.1:80"): Rate(2.0, 1000.0), ("web", "192.0.2.2:80"): Rate()}
    assert rates(None, after, 2.0) == rates(before, after, 0.0) == {}


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (0.25, "0.2"), (9.94, "9.9"), (10, "10"), (12345.6, "12,346")])
def test_rate_has_a_decimal_while_it_is_small(value: float, text: str) -> None:
    assert rate(value) == text


@pytest.mark.parametrize(("value", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (25_000_000, "25 MB"),
                                             (1e19, "10000 PB")])
def test_size_goes_by_thousands(value: float, text: str) -> None:
    assert format_size(value) == text


def test_text_of_an_answer_can_not_control_the_terminal() -> None:
    told = state(backend(HOSTILE, HOSTILE, HOSTILE), name=HOSTILE, program=program(trouble=HOSTILE, version=HOSTILE))
    for picture in (status(told), top(told, {}, 9), explanation(explained(HOSTILE))):
        text = drawn(picture)
        assert "\x1b" not in text
        assert r"\x1b[31m[bold]x\n" in text
