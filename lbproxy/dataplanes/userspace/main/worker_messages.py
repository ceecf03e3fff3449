"""What to tell a worker so that it knows the new snapshot instead of the old one. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lbproxy.dataplanes.userspace.shared import wire
from lbproxy.dataplanes.userspace.shared.channel import Message
from lbproxy.model import diff
from lbproxy.model.address import Address
from lbproxy.model.snapshot import Backend, BackendKey, Service, Snapshot

NOTHING = Snapshot(0, {})


@dataclass(frozen=True, slots=True)
class WorkerMessage:
    """A message, and the address whose listening socket goes with it."""

    message: Message
    listen: Address | None = None


@dataclass(frozen=True, slots=True)
class SlotNumbers:
    """The slots that the snapshot's services and backends hold."""

    services: Mapping[str, int]
    backends: Mapping[BackendKey, int]


def worker_messages(before: Snapshot, after: Snapshot, numbers: SlotNumbers) -> Iterator[WorkerMessage]:
    """In an order in which each step can be obeyed; addresses are given up before others take them over."""
    moved = [(old, new) for _, old, new in diff.changed(before.services, after.services)]
    for old, new in moved:
        yield from _unlistens(old, new)
    for old, new in moved:
        if new is None and old is not None:
            yield from _removal(old)
    for old, new in moved:
        if new is not None:
            yield from _update(old, new, numbers)
    yield WorkerMessage({"op": wire.SYNC, "version": after.version})


def _unlistens(old: Service | None, new: Service | None) -> Iterator[WorkerMessage]:
    for address in old.listens if old else ():
        if new is None or address not in new.listens:
            yield WorkerMessage({"op": wire.UNLISTEN, "address": address})


def _removal(old: Service) -> Iterator[WorkerMessage]:
    yield _drop(old.name, [backend.address for backend in old.backends])
    yield WorkerMessage({"op": wire.DROP_SERVICE, "name": old.name})


def _update(old: Service | None, new: Service, numbers: SlotNumbers) -> Iterator[WorkerMessage]:
    if old is None or old.policy != new.policy:
        policy = wire.policy_to(new.policy)
        slot = numbers.services[new.name]
        yield WorkerMessage({"op": wire.PUT_SERVICE, "name": new.name, "slot": slot, "policy": policy})
    yield from _members(old, new, numbers)
    for address in new.listens:
        if old is None or address not in old.listens:
            yield WorkerMessage({"op": wire.LISTEN, "name": new.name, "address": address}, address)


def _members(old: Service | None, new: Service, numbers: SlotNumbers) -> Iterator[WorkerMessage]:
    left, joined = diff.backends(old, new)
    known = {backend.address: backend for backend in left}
    rows = [wire.member_to(backend, numbers.backends[BackendKey(new.name, backend.address)])
            for backend in joined if not _is_same(known.pop(backend.address, None), backend)]
    if rows:
        yield WorkerMessage({"op": wire.PUT_MEMBERS, "name": new.name, "members": rows})
    if known:
        yield _drop(new.name, list(known))


def _is_same(old: Backend | None, new: Backend) -> bool:
    return old is not None and (old.weight, old.is_open) == (new.weight, new.is_open)


def _drop(name: str, addresses: list[Address]) -> WorkerMessage:
    return WorkerMessage({"op": wire.DROP_MEMBERS, "name": name, "addresses": addresses})
