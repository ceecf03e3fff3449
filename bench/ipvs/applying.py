"""How long our IPVS takes to make a table of a thousand backends true, and then one change in it."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from statistics import median
from subprocess import check_call

from lbproxy.dataplanes.ipvs.dataplane import IpvsDataplane
from lbproxy.dataplanes.ipvs.kind import this_machine
from lbproxy.model.address import Address
from lbproxy.model.snapshot import Backend, Policy, Service, Snapshot, State

COUNT, CHANGES = 1_000, 20
LISTEN = Address("10.99.0.1", 80)
DEVICE = "lbbench"
MILLISECONDS = 1e3


def applied() -> Mapping[str, float]:
    """Return seconds and CPU milliseconds; changes the IPVS table of this network namespace, and cleans up."""
    with _local_address():
        return asyncio.run(_applied())


@contextmanager
def _local_address() -> Iterator[None]:
    check_call(["ip", "link", "add", DEVICE, "type", "dummy"])
    try:
        check_call(["ip", "address", "add", f"{LISTEN.host}/32", "dev", DEVICE])
        yield
    finally:
        check_call(["ip", "link", "delete", DEVICE])


async def _applied() -> Mapping[str, float]:
    dataplane = IpvsDataplane(this_machine(), is_cleaning=True)
    backends = [Backend(Address(f"10.98.{one // 250}.{one % 250 + 1}", 80), 1, State.ACTIVE, "ready", 0.0)
                for one in range(COUNT)]
    try:
        cold, _ = await _timed(dataplane, 1, backends)
        changes = [await _timed(dataplane, number + 2, _changed(backends, number)) for number in range(CHANGES)]
    finally:
        await dataplane.close()
    return {"cold_seconds": cold, "change_ms": MILLISECONDS * median(wall for wall, _ in changes),
            "change_cpu_ms": MILLISECONDS * median(cpu for _, cpu in changes)}


def _changed(backends: list[Backend], number: int) -> list[Backend]:
    changed = [*backends]
    changed[number] = replace(changed[number], is_open=False)
    return changed


async def _timed(dataplane: IpvsDataplane, version: int, backends: list[Backend]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    await dataplane.apply(Snapshot(version, {"web": Service("web", (LISTEN,), Policy(), tuple(backends))}))
    return time.perf_counter() - wall, time.process_time() - cpu
