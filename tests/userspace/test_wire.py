"""What goes over the channel comes out as it went in."""

import json
from dataclasses import fields

from hypothesis import given
from hypothesis import strategies as st

from lbproxy.dataplanes.userspace.shared import wire
from lbproxy.dataplanes.userspace.shared.wire import Member
from lbproxy.model.address import Address
from lbproxy.model.snapshot import Backend, HealthPolicy, Policy, Scheduler, State

SECONDS = st.floats(0, 1e6)
POLICIES = st.builds(
    Policy, scheduler=st.sampled_from(list(Scheduler)), max_conns=st.integers(0, 20_000), queue=st.integers(0, 5000),
    queue_timeout=SECONDS, connect_timeout=SECONDS, connect_retries=st.integers(0, 9), idle_timeout=SECONDS,
    half_close_timeout=SECONDS, drain_timeout=SECONDS,
    health=st.builds(HealthPolicy, interval=SECONDS, timeout=SECONDS, rise=st.integers(1, 9), fall=st.integers(1, 9)))
BACKENDS = st.builds(
    Backend, address=st.builds(Address, st.sampled_from(["10.0.0.1", "2001:db8::1"]), st.integers(1, 65_535)),
    weight=st.integers(0, 100), state=st.sampled_from(list(State)), reason=st.text(), since=SECONDS,
    is_open=st.booleans())


@given(POLICIES)
def test_policy_comes_back_equal(policy: Policy) -> None:
    assert wire.policy_from(json.loads(json.dumps(wire.policy_to(policy)))) == policy


@given(BACKENDS, st.integers(0, 65_535))
def test_member_is_what_a_worker_needs_of_a_backend(backend: Backend, slot: int) -> None:
    member = wire.member_from(json.loads(json.dumps(wire.member_to(backend, slot))))
    assert member == Member(backend.address, slot, backend.weight, backend.is_open)
    assert member.address.family is backend.address.family


def test_every_field_of_a_policy_is_drawn_above() -> None:
    """Else a new one could be forgotten on the wire unnoticed."""
    drawn = {"scheduler", "max_conns", "queue", "queue_timeout", "connect_timeout", "connect_retries", "idle_timeout",
             "half_close_timeout", "drain_timeout", "health"}
    assert {field.name for field in fields(Policy)} == drawn
