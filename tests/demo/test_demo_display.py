import io

from rich.console import Console

from lbproxy.demo.display import display, first_line, new_lines, picture
from lbproxy.demo.frame import DemoEvent, Frame

from .samples import DOWN, frame, row

STOP, BACK = DemoEvent(1.0, "bravo stops"), DemoEvent(2.0, "bravo is back [bold]")


def drawn(shown: Frame, *, colours: bool = False) -> str:
    console = Console(file=io.StringIO(), width=110, force_terminal=colours,
                      color_system="standard" if colours else None, legacy_windows=False)
    with console.capture() as captured:
        console.print(picture(shown))
    return captured.get()


def test_picture_shows_the_urls() -> None:
    assert "curl http://127.0.0.1:8080/ " in drawn(frame())
    assert "look at http://127.0.0.1:9180/" in drawn(frame())


def test_picture_shows_each_backend_with_its_numbers() -> None:
    text = drawn(frame(row("alpha"), row(state="down", reason=DOWN)))
    (alpha,) = [line for line in text.splitlines() if "alpha" in line]
    assert [cell.strip() for cell in alpha.split("│")[1:-1]] == [
        "alpha", "127.0.0.1:4001", "active", "3", "17", "5.4 kB", "70"]
    assert "down (check failed: refused)" in text


def test_picture_shows_counts_and_events_as_they_are() -> None:
    text = drawn(frame(failed=2, events=(STOP, BACK)))
    assert "12 s: 600 requests answered, 2 failed" in text
    assert "1.0 s  bravo stops" in text
    assert "2.0 s  bravo is back [bold]" in text


def test_states_have_colours() -> None:
    assert "\x1b[32mactive" in drawn(frame(row()), colours=True)
    assert "\x1b[31mdown" in drawn(frame(row(state="down")), colours=True)


def test_lines_show_each_event_once_and_the_counts_once_a_second() -> None:
    first = frame(row(), moment=1.1, events=(STOP,))
    assert list(new_lines(None, first)) == [
        "   1.0 s  bravo stops", "   1.1 s  600 answered, 0 failed   bravo active: 3 active, 17/s"]
    assert list(new_lines(first, frame(row(), moment=1.9, events=(STOP,)))) == []
    assert list(new_lines(first, frame(row(), moment=2.0, events=(STOP, BACK)))) == [
        "   2.0 s  bravo is back [bold]", "   2.0 s  600 answered, 0 failed   bravo active: 3 active, 17/s"]


def test_output_that_is_no_terminal_gets_plain_lines() -> None:
    output = io.StringIO()
    with display(Console(file=output, width=20)) as show:
        show(frame(row(), moment=1.1, events=(STOP,)))
        show(frame(row(), moment=1.3, events=(STOP, BACK)))
    assert output.getvalue().splitlines() == [
        first_line(frame()), "   1.0 s  bravo stops", "   1.1 s  600 answered, 0 failed   bravo active: 3 active, 17/s",
        "   2.0 s  bravo is back [bold]"]


def test_terminal_is_redrawn_and_gets_its_cursor_back() -> None:
    output = io.StringIO()
    with display(Console(file=output, width=110, force_terminal=True, legacy_windows=False)) as show:
        show(frame(row("alpha")))
    assert "alpha" in output.getvalue()
    assert output.getvalue().rstrip().endswith("\x1b[?25h")  # the cursor is visible again
