"""When a guest counts as hanging: never for being slow."""

from .silence import Silence


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_slow_guest_may_take_as_long_as_it_wants_while_it_gives_signs_of_life() -> None:
    clock = Clock()
    silence = Silence(60.0, clock)
    for signs in range(100):
        silence.note(signs)
        clock.now += 59
        assert not silence.is_too_long()


def test_guest_that_gives_none_counts_as_hanging_after_the_limit() -> None:
    clock = Clock()
    silence = Silence(60.0, clock)
    silence.note(7)
    clock.now += 60
    silence.note(7)
    assert not silence.is_too_long()
    clock.now += 1
    assert silence.is_too_long()


def test_time_in_which_nobody_looked_is_no_silence() -> None:
    clock = Clock()
    silence = Silence(60.0, clock)
    clock.now += 3600
    assert not silence.is_too_long()
    silence.note(0)
    clock.now += 3600
    silence.note(1)
    assert not silence.is_too_long()
