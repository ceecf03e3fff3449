"""Everything `python -m bench relay` measures, in the order it is shown."""

from bench.load import Load
from bench.relay.fairness import BULK, Fairness
from bench.relay.lineups import everyone, growing_backends, growing_workers
from bench.relay.measurement import Measurement, Plan
from bench.relay.memory import Memory
from bench.relay.traffic import (
    BULK_CPU,
    CONNECTION_CPU,
    CONNECTIONS,
    GIGABYTES,
    P50,
    P99,
    REQUEST_CPU,
    REQUESTS,
    Traffic,
)

KEEP_ALIVE = Load(connections=64)
NEW_CONNECTIONS = Load(connections=64, closes=True)
PER_REQUEST = (REQUEST_CPU, REQUESTS, P50, P99)
PER_CONNECTION = (CONNECTION_CPU, CONNECTIONS, P50, P99)
FEW_ROUNDS = 3


def _pick(name: str, scheduler: str | None, words: str) -> Traffic:
    title = f"New connections over many backends, {words}"
    plan = Plan(name, title, "2 backends", PER_CONNECTION, FEW_ROUNDS)
    return Traffic(plan, NEW_CONNECTIONS, growing_backends(scheduler))


def _workers(name: str, words: str, load: Load, like: Traffic) -> Traffic:
    title = f"One worker and two, {words}; wrk and the backends share the same cores"
    plan = Plan(name, title, "1 worker", like.plan.metrics, FEW_ROUNDS, is_pinned=False)
    return Traffic(plan, load, growing_workers)


_KEEP_ALIVE = Traffic(
    Plan("keep-alive", "Small requests on 64 kept connections", "haproxy", PER_REQUEST),
    KEEP_ALIVE, everyone,
)
_NEW_CONNECTION = Traffic(
    Plan("new-connection", "A connection per request, 64 at a time", "haproxy", PER_CONNECTION),
    NEW_CONNECTIONS, everyone,
)
_BULK = Traffic(
    Plan("bulk", "Large answers on 4 connections", "haproxy", (BULK_CPU, GIGABYTES)),
    BULK, everyone,
)

ALL: tuple[Measurement, ...] = (
    _KEEP_ALIVE,
    _NEW_CONNECTION,
    _BULK,
    Memory(),
    Fairness(),
    _pick("pick", "lc", "scheduler lc"),
    _pick("pick-wlc", "wlc", "scheduler wlc"),
    _workers("workers", "kept connections", KEEP_ALIVE, _KEEP_ALIVE),
    _workers("workers-new", "new connections", NEW_CONNECTIONS, _NEW_CONNECTION),
)
