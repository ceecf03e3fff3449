"""The layout of the counters in shared memory: a block per worker, which that worker alone writes while it lives.

A block outlives its worker: the replacement goes on where the dead one stopped, so that nothing that was counted ever
goes backwards. Cells are native 64-bit integers, written whole, so that a reader needs no lock: it may see one cell
newer than another, never half a cell. Shared memory instead of messages: counting costs no system call, and what a
killed worker has counted is not lost.
"""

import mmap
import os
from bisect import bisect_left

from lbproxy.dataplanes.userspace.shared.reasons import Failed, Rejected

CONNECT_BOUNDS = (.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the connect time histogram, seconds."""
DURATION_BOUNDS = (.005, .025, .1, .5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0, 28800.0)
"""Upper bounds of the connection duration histogram, seconds."""

CELL_BYTES = 8
MICROSECONDS = 1_000_000
MILLISECONDS = 1_000

# A worker's own cells. HEARTBEAT is in MILLISECONDS of the monotonic clock, CPU_TIME in MICROSECONDS.
HEARTBEAT, DESCRIPTORS, ACCEPT_PAUSES, ACCEPT_ERRORS, IS_PAUSED, DESCRIPTOR_LIMIT, CPU_TIME, IS_COPYING = range(8)
HEADER_CELLS = 64

# A service's cells.
ACCEPTED, QUEUED = range(2)
REJECTED = 2
CONNECT_HISTOGRAM = REJECTED + len(Rejected)
DURATION_HISTOGRAM = CONNECT_HISTOGRAM + len(CONNECT_BOUNDS) + 2
SERVICE_CLOSED = DURATION_HISTOGRAM + len(DURATION_BOUNDS) + 2
SERVICE_CELLS = 64
MAX_SERVICES = 4096

# A backend's cells.
ACTIVE, CONNECTIONS, RECEIVED, SENT, RETRIES = range(5)
FAILED = 5
CLOSED = FAILED + len(Failed)
BACKEND_CELLS = 32
MAX_BACKENDS = 65_536

BACKENDS_AT = HEADER_CELLS + MAX_SERVICES * SERVICE_CELLS
BLOCK_BYTES = (BACKENDS_AT + MAX_BACKENDS * BACKEND_CELLS) * CELL_BYTES


def service_at(slot: int) -> int:
    """First cell of a service's slot."""
    return HEADER_CELLS + slot * SERVICE_CELLS


def backend_at(slot: int) -> int:
    """First cell of a backend's slot."""
    return BACKENDS_AT + slot * BACKEND_CELLS


def allocate(workers: int) -> int:
    """Make the memory for so many workers and return its descriptor, the caller's to close.

    Raises OSError. A block is 19 MB of addresses; pages cost nothing until touched.
    """
    descriptor = os.memfd_create("lbproxy-counters")
    os.ftruncate(descriptor, workers * BLOCK_BYTES)
    return descriptor


def attach(descriptor: int, workers: int) -> list[memoryview]:
    """Map every worker's block, as signed 64-bit integers."""
    whole = memoryview(mmap.mmap(descriptor, workers * BLOCK_BYTES))
    return [whole[i * BLOCK_BYTES:(i + 1) * BLOCK_BYTES].cast("q") for i in range(workers)]


def observe(cells: memoryview, histogram: int, bounds: tuple[float, ...], seconds: float) -> None:
    """Count one duration: a cell per bound, one for what is longer than all, then the sum in microseconds."""
    cells[histogram + bisect_left(bounds, seconds)] += 1
    cells[histogram + len(bounds) + 1] += int(seconds * MICROSECONDS)
