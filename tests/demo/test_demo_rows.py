from lbproxy.demo.rows import reading, rows

from .samples import DOWN, backend, row, state

NAMES = {"127.0.0.1:1": "alpha", "127.0.0.1:2": "bravo"}


def test_rates_are_averages_from_the_first_reading_to_the_last() -> None:
    readings = [reading(10.0, state(backend("127.0.0.1:1", 100, 1000, 5000))),
                reading(11.0, state(backend("127.0.0.1:1", 160, 1000, 5000))),
                reading(12.0, state(backend("127.0.0.1:1", 180, 2000, 9000)))]
    (alpha,) = rows(NAMES, readings)
    assert (alpha.name, alpha.requests, alpha.active, alpha.retries) == ("alpha", 180, 2, 4)
    assert (alpha.requests_per_second, alpha.bytes_per_second) == (40.0, 2500.0)


def test_single_reading_has_no_rates() -> None:
    (alpha,) = rows(NAMES, [reading(10.0, state(backend("127.0.0.1:1", 100)))])
    assert alpha.requests_per_second == 0


def test_backends_keep_the_order_of_their_names_and_strangers_are_left_out() -> None:
    found = rows(NAMES, [reading(0, state(backend("127.0.0.1:2"), backend("127.0.0.1:3"), backend("127.0.0.1:1")))])
    assert [each.name for each in found] == ["alpha", "bravo"]


def test_reason_is_told_unless_it_goes_without_saying() -> None:
    assert row().standing == "active"
    assert row(state="down", reason=DOWN).standing == "down (check failed: refused)"
