"""A worker that obeys the changes from one snapshot to the next knows the next one, and could obey each step."""

import json
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lbproxy.dataplanes.userspace.main.worker_messages import NOTHING, SlotNumbers, WorkerMessage, worker_messages
from lbproxy.dataplanes.userspace.shared import wire
from lbproxy.dataplanes.userspace.shared.wire import Member
from lbproxy.model.address import Address
from lbproxy.model.snapshot import Backend, BackendKey, Policy, Scheduler, Service, Snapshot, State

LISTENS = [Address("127.0.0.1", port) for port in range(8000, 8006)]
BACKENDS = [Address("10.0.0.1", port) for port in range(9000, 9005)]
NAMES = ["api", "db", "web"]
NUMBERS = SlotNumbers({name: at for at, name in enumerate(NAMES)},
                      {BackendKey(name, address): 10 * at + port for at, name in enumerate(NAMES)
                   for port, address in enumerate(BACKENDS)})


@dataclass
class Known:
    """A service as a worker knows it."""

    slot: int
    policy: Policy
    members: dict[Address, Member] = field(default_factory=dict)
    listens: set[Address] = field(default_factory=set)


class NaiveWorker:
    """Does what it is told, and complains where the real one would."""

    def __init__(self) -> None:
        self.services: dict[str, Known] = {}
        self.synced: list[int] = []

    def obey(self, change: WorkerMessage) -> None:
        message = json.loads(json.dumps(change.message))  # as it arrives
        assert (change.listen is not None) == (message["op"] == wire.LISTEN)
        getattr(self, message.pop("op").replace("-", "_"))(**message)

    def put_service(self, name: str, slot: int, policy: dict[str, Any]) -> None:
        self.services.setdefault(name, Known(slot, Policy())).policy = wire.policy_from(policy)
        assert self.services[name].slot == slot

    def drop_service(self, name: str) -> None:
        gone = self.services.pop(name)
        assert not gone.members
        assert not gone.listens

    def put_members(self, name: str, members: list[list[Any]]) -> None:
        assert members
        self.services[name].members |= {member.address: member for member in map(wire.member_from, members)}

    def drop_members(self, name: str, addresses: list[list[Any]]) -> None:
        for address in addresses:
            del self.services[name].members[Address(*address)]

    def listen(self, name: str, address: list[Any]) -> None:
        assert not any(Address(*address) in service.listens for service in self.services.values())
        self.services[name].listens.add(Address(*address))

    def unlisten(self, address: list[Any]) -> None:
        holder, = (service for service in self.services.values() if Address(*address) in service.listens)
        holder.listens.remove(Address(*address))

    def sync(self, version: int) -> None:
        self.synced.append(version)


def known(snapshot: Snapshot) -> dict[str, Known]:
    """What a worker is to know."""
    return {
        name: Known(NUMBERS.services[name], service.policy,
                    {b.address: Member(b.address, NUMBERS.backends[BackendKey(name, b.address)], b.weight, b.is_open)
                     for b in service.backends}, set(service.listens))
        for name, service in snapshot.services.items()
    }


POLICIES = st.builds(Policy, scheduler=st.sampled_from(list(Scheduler)), max_conns=st.integers(0, 2),
                     idle_timeout=st.floats(0, 10))


@st.composite
def services(draw: st.DrawFn, name: str, listens: list[Address]) -> Service:
    addresses = draw(st.lists(st.sampled_from(BACKENDS), unique=True))
    backends = [Backend(address, draw(st.integers(0, 2)), draw(st.sampled_from(list(State))), "drawn", since=0.0,
                        is_open=draw(st.booleans())) for address in addresses]
    return Service(name, tuple(listens), draw(POLICIES), tuple(backends))


@st.composite
def snapshots(draw: st.DrawFn, version: int, before: Snapshot) -> Snapshot:
    """Some services are new, some have gone, some are the very same as before; an address may have moved."""
    free, found = set(LISTENS), {}
    for name in draw(st.permutations(NAMES)):
        old = before.services.get(name)
        if old is not None and free.issuperset(old.listens) and draw(st.booleans()):
            found[name] = old
        elif draw(st.booleans()):
            listens = draw(st.lists(st.sampled_from(sorted(free)), unique=True)) if free else []
            found[name] = draw(services(name, listens))
        free -= set(found[name].listens) if name in found else set()
    return Snapshot(version, found)


@given(st.data())
@settings(deadline=None, max_examples=100)
def test_worker_that_obeys_knows_the_new_snapshot(data: st.DataObject) -> None:
    worker, before = NaiveWorker(), NOTHING
    for version in range(1, 4):
        after = data.draw(snapshots(version, before))
        steps = list(worker_messages(before, after, NUMBERS))
        for step in steps:
            worker.obey(step)
        assert worker.services == known(after)
        assert steps[-1].message == {"op": wire.SYNC, "version": version}
        before = after
    assert worker.synced == [1, 2, 3]


def _snapshot(version: int, **listens: list[Address]) -> Snapshot:
    return Snapshot(version, {name: Service(name, tuple(held), Policy(), ()) for name, held in listens.items()})


def test_what_did_not_change_is_not_said_again() -> None:
    first = _snapshot(1, web=LISTENS[:2])
    assert [step.message["op"] for step in worker_messages(first, Snapshot(2, first.services), NUMBERS)] == [wire.SYNC]


def test_reason_and_time_of_a_state_are_nothing_to_a_worker() -> None:
    def with_backend(version: int, reason: str, since: float) -> Snapshot:
        backend = Backend(BACKENDS[0], 1, State.ACTIVE, reason, since)
        return Snapshot(version, {"web": Service("web", (), Policy(), (backend,))})

    steps = worker_messages(with_backend(1, "ready", 1.0), with_backend(2, "passes its checks", 2.0), NUMBERS)
    assert [step.message["op"] for step in steps] == [wire.SYNC]


def test_addresses_that_two_services_swap_are_given_up_before_they_are_taken() -> None:
    one, other = LISTENS[:2]
    steps = worker_messages(_snapshot(1, web=[one], api=[other]), _snapshot(2, web=[other], api=[one]), NUMBERS)
    assert [step.message["op"] for step in steps] == [wire.UNLISTEN] * 2 + [wire.LISTEN] * 2 + [wire.SYNC]
