"""The ground that the other tests stand on: IPVS by hand, from client to backend, without a line of lbproxy."""

import socket
import threading
from pathlib import Path

import pytest

from tests.support.netns import Namespace
from tests.support.network import BACKENDS, BACKENDS6, VIP, VIP6, Network
from tests.support.patience import PATIENCE

pytestmark = pytest.mark.kernel

PORT = 80
MASQUERADE = """
table inet by_hand {
  chain postrouting {
    type nat hook postrouting priority srcnat;
    ip daddr 10.9.0.0/16 masquerade
    ip6 daddr fd09::/64 masquerade
  }
}
"""


def answered(backends: Namespace, host: str) -> threading.Thread:
    """Start a backend that greets one client with that client's address, and leaves."""
    listening = backends.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.bind((host, PORT))
    listening.listen()

    def answer() -> None:
        with listening, listening.accept()[0] as accepted:
            accepted.sendall(accepted.getpeername()[0].encode())

    thread = threading.Thread(target=answer)
    thread.start()
    return thread


@pytest.mark.parametrize(("vip", "host", "source"), [(VIP, BACKENDS, "10.2.0.1"), (VIP6, BACKENDS6, "fd02::1")])
def test_request_goes_through_rules_made_by_hand(network: Network, vip: str, host: str, source: str) -> None:
    balancer = network.balancer
    for name in ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"):
        Path("/proc/sys", name).write_text("1")
    service, backend = (f"[{vip}]:{PORT}", f"[{host}]:{PORT}") if ":" in vip else (f"{vip}:{PORT}", f"{host}:{PORT}")
    balancer.run("ipvsadm", "-R", given=f"-A -t {service} -s lc\n-a -t {service} -r {backend} -m -w 1\n")
    Path("/proc/sys/net/ipv4/vs/conntrack").write_text("1")
    balancer.run("nft", "-f", "-", given=MASQUERADE)
    thread = answered(network.backends, host)
    with network.client.socket(socket.AF_INET6 if ":" in vip else socket.AF_INET) as client:
        client.settimeout(PATIENCE)
        client.connect((vip, PORT))
        assert client.recv(100) == source.encode()
    thread.join()
