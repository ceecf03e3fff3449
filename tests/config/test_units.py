import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbproxy.text.units import format_duration, parse_duration

A_MONTH = 31 * 24 * 3_600_000


@pytest.mark.parametrize(("text", "seconds"), [
    ("0", 0.0), ("0s", 0.0), ("0ms", 0.0), ("1ms", 0.001), ("500ms", 0.5), ("2s", 2.0), ("1m", 60.0),
    ("90s", 90.0), ("1h", 3600.0), ("1h30m", 5400.0), ("1h2m3s4ms", 3723.004), ("1s500ms", 1.5), ("007s", 7.0),
])
def test_duration_reads_as_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(("seconds", "text"), [
    (0.0, "0s"), (0.5, "500ms"), (2.0, "2s"), (90.0, "1m30s"), (3600.0, "1h"), (5400.0, "1h30m"),
    (3723.004, "1h2m3s4ms"), (90_000.0, "25h"), (0.0014, "1ms"),
])
def test_duration_is_written_in_its_largest_units(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.integers(0, A_MONTH))
def test_what_is_written_reads_back_as_the_same_value(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds / 1000)) == milliseconds / 1000


@given(st.integers(0, 10**9), st.sampled_from(["ms", "s", "m", "h"]))
def test_any_number_of_any_unit_survives_being_written(number: int, unit: str) -> None:
    seconds = parse_duration(f"{number}{unit}")
    assert parse_duration(format_duration(seconds)) == seconds


@pytest.mark.parametrize("text", ["5", "00", "1000"])
def test_bare_number_is_told_its_units(text: str) -> None:
    with pytest.raises(ValueError, match=rf"^{text} has no unit; write {text}s or {text}ms$"):
        parse_duration(text)


@pytest.mark.parametrize("text", [
    "", " ", "s", "5 s", "-5s", "+5s", "1.5s", "0.5", "5S", "5sec", "1m1h", "1s1s", "1h30", "1d", "five", "\u0665s",
    "5s\n", "1_000s", "1e3s", "inf", "nan", "99999999999s",
])
def test_what_is_no_duration_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a duration; write one such as 500ms, 2s or 1h30m$") as error:
        parse_duration(text)
    assert str(error.value).startswith(repr(text))
