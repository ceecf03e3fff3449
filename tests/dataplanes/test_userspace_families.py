"""The userspace dataplane: clients and backends need not speak the same version of IP."""

import socket
from dataclasses import replace

from lbproxy.model.address import Address
from tests.support.peers import free_address

from .harness import active, web
from .workers import WorkerHarness


async def test_service_on_both_families_has_backends_of_both(workers: WorkerHarness, listen: Address) -> None:
    alpha, = await workers.backends("alpha")
    bravo, = await workers.backends("bravo", family=socket.AF_INET6)
    six = free_address("::1")
    await workers.apply(replace(web(listen, active(alpha), active(bravo)), listens=(listen, six)))
    assert await workers.served_by(listen, 2) == await workers.served_by(six, 2) == {"alpha": 1, "bravo": 1}
