from lbproxy.demo.frame import backend_rows, read_sample

from .samples import DOWN, backend, row, state

NAMES = {"127.0.0.1:1": "alpha", "127.0.0.1:2": "bravo"}


def test_rates_are_averages_from_the_first_sample_to_the_last() -> None:
    samples = [read_sample(10.0, state(backend("127.0.0.1:1", 100, 1000, 5000))),
                read_sample(11.0, state(backend("127.0.0.1:1", 160, 1000, 5000))),
                read_sample(12.0, state(backend("127.0.0.1:1", 180, 2000, 9000)))]
    (alpha,) = backend_rows(NAMES, samples)
    assert (alpha.name, alpha.requests, alpha.active, alpha.retries) == ("alpha", 180, 2, 4)
    assert (alpha.requests_per_second, alpha.bytes_per_second) == (40.0, 2500.0)


def test_single_sample_has_no_rates() -> None:
    (alpha,) = backend_rows(NAMES, [read_sample(10.0, state(backend("127.0.0.1:1", 100)))])
    assert alpha.requests_per_second == 0


def test_backends_keep_the_order_of_their_names_and_unknown_ones_are_left_out() -> None:
    samples = [read_sample(0, state(backend("127.0.0.1:2"), backend("127.0.0.1:3"), backend("127.0.0.1:1")))]
    found = backend_rows(NAMES, samples)
    assert [each.name for each in found] == ["alpha", "bravo"]


def test_reason_is_shown_unless_the_backend_is_active() -> None:
    assert row().status == "active"
    assert row(state="down", reason=DOWN).status == "down (check failed: refused)"
