"""A relay that has the loop for itself waits for the next event, not for moments: it must still hear who else reads."""

import os
from collections.abc import Iterator
from time import monotonic

import pytest

from lbproxy.dataplanes.userspace.worker.byte_loop import LINGER, ByteLoop
from tests.support.patience import NEVER, PATIENCE

SOON = 3 * LINGER


@pytest.fixture
def control() -> Iterator[tuple[int, int]]:
    outlet, inlet = os.pipe()
    yield outlet, inlet
    os.close(outlet)
    os.close(inlet)


def seconds(relay: ByteLoop, until: float) -> float:
    """How long a turn lasts that may last until then."""
    started = monotonic()
    relay.run(until)
    return monotonic() - started


def test_turn_ends_when_somebody_else_has_something_to_read(control: tuple[int, int]) -> None:
    relay = ByteLoop()
    relay.own_loop(control[0])
    os.write(control[1], b"!")
    assert seconds(relay, monotonic() + NEVER) < PATIENCE
    relay.close()


def test_turn_lasts_until_the_outer_loop_is_due(control: tuple[int, int]) -> None:
    """Something has to come first: an empty set ends the turn at once."""
    relay, (waiting, waker) = ByteLoop(), os.pipe()
    relay.own_loop(control[0])
    relay.listen(waiting, lambda: _read(waiting))
    os.write(waker, b"!")
    assert seconds(relay, monotonic() + SOON) >= SOON
    relay.close()
    os.close(waiting)
    os.close(waker)


def test_turn_of_a_loop_that_is_shared_again_ends_when_nothing_more_comes(control: tuple[int, int]) -> None:
    relay, (waiting, waker) = ByteLoop(), os.pipe()
    relay.own_loop(control[0])
    relay.share_loop(control[0])
    relay.listen(waiting, lambda: _read(waiting))
    os.write(waker, b"!")
    assert seconds(relay, monotonic() + NEVER) < PATIENCE
    relay.close()
    os.close(waiting)
    os.close(waker)


def _read(descriptor: int) -> None:
    os.read(descriptor, 1)
