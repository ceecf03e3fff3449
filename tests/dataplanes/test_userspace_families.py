"""The userspace dataplane: clients and backends need not speak the same version of IP."""

import socket
from dataclasses import replace

from lbproxy.model.address import Address
from tests.support.peers import free_address

from .crew import Crew
from .stage import active, web


async def test_service_on_both_families_has_backends_of_both(crew: Crew, listen: Address) -> None:
    alpha, = await crew.backends("alpha")
    bravo, = await crew.backends("bravo", family=socket.AF_INET6)
    six = free_address("::1")
    await crew.apply(replace(web(listen, active(alpha), active(bravo)), listens=(listen, six)))
    assert await crew.served_by(listen, 2) == await crew.served_by(six, 2) == {"alpha": 1, "bravo": 1}
