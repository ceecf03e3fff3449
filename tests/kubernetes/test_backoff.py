from lbproxy.sources.kubernetes.client.watch import LONGEST_RETRY_AFTER, Backoff


def test_each_wait_is_longer_up_to_a_limit_and_none_is_exact() -> None:
    backoff = Backoff(1.0, 8.0)
    waits = [backoff.delay() for _ in range(6)]
    for wait, most in zip(waits, (1, 2, 4, 8, 8, 8), strict=True):
        assert most / 2 <= wait <= most
    assert len({*waits}) == 6


def test_after_a_success_it_starts_over() -> None:
    backoff = Backoff(1.0, 8.0)
    assert backoff.delay() + backoff.delay() > 1.5
    backoff.reset()
    assert backoff.delay() <= 1.0


def test_server_may_ask_for_more_within_reason() -> None:
    assert Backoff(1.0, 8.0).delay(20.0) == 20.0
    assert Backoff(1.0, 8.0).delay(1e9) == LONGEST_RETRY_AFTER
