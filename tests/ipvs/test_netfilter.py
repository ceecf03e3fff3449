"""Our nftables tables in a real kernel as nft(8) shows them. What we read: `test_netfilter_contract`."""

import socket
from collections.abc import AsyncIterator

import pytest

from lbproxy.dataplanes.ipvs.kernel.netfilter import NftTables
from lbproxy.dataplanes.ipvs.planning.values import Mark, Ruleset, ServiceKey
from lbproxy.model.address import Address
from tests.support.network import VIP, VIP6, Network

from . import readers

pytestmark = pytest.mark.kernel

WEB, WEB6 = Address(VIP, 80), Address(VIP6, 80)
OWNED: frozenset[ServiceKey] = frozenset({WEB, WEB6, Mark(socket.AF_INET, 0x10001), Mark(socket.AF_INET6, 0x10002)})
EVERYTHING = Ruleset(OWNED, {Address(VIP, 443): 0x10001, Address(VIP6, 443): 0x10002})


@pytest.fixture
async def tables(network: Network) -> AsyncIterator[NftTables]:
    tables = NftTables()
    yield tables
    await tables.close()
    network.balancer.run("nft", "flush", "ruleset")


async def test_connections_to_our_addresses_are_masqueraded_and_nothing_else(tables: NftTables) -> None:
    await tables.replace(Ruleset(frozenset({WEB})))
    assert readers.rules() == """\
table ip lbproxy {
set services {
type ipv4_addr . inet_service
elements = { 10.1.0.1 . 80 }
}
chain postrouting {
type nat hook postrouting priority srcnat; policy accept;
meta l4proto tcp ct original ip daddr . ct original proto-dst @services masquerade fully-random \
comment "connections to our services"
}
}"""


async def test_packets_for_marked_addresses_get_their_mark_and_are_masqueraded_by_it(tables: NftTables) -> None:
    mark = Mark(socket.AF_INET6, 0x10002)
    await tables.replace(Ruleset(frozenset({mark}), {WEB6: mark.number}))
    assert readers.rules() == """\
table ip6 lbproxy {
set marks {
type mark
elements = { 0x00010002 }
}
map marking {
type ipv6_addr . inet_service : mark
elements = { fd01::1 . 80 : 0x00010002 }
}
chain prerouting {
type filter hook prerouting priority mangle; policy accept;
meta mark set ip6 daddr . tcp dport map @marking comment "for our fwmark services"
}
chain postrouting {
type nat hook postrouting priority srcnat; policy accept;
meta l4proto tcp meta mark @marks masquerade fully-random comment "connections with our marks"
}
}"""


async def test_tables_are_read_again_only_after_some_program_has_changed_some_rule(
        tables: NftTables, network: Network) -> None:
    await tables.replace(EVERYTHING)
    before = await tables.read()
    assert await tables.read() is before, "nothing has changed: one question is enough"
    network.balancer.run("nft", "add", "table", "inet", "theirs")
    assert (await tables.read()) == before
    network.balancer.run("nft", "flush", "chain", "ip", "lbproxy", "postrouting")
    assert not (await tables.read()).is_intact
    network.balancer.run("nft", "delete", "table", "ip", "lbproxy")
    assert WEB not in (await tables.read()).owned


async def test_foreign_tables_stay_as_they_are(tables: NftTables, network: Network) -> None:
    network.balancer.run("nft", "-f", "-", given="""
        table ip kube {
            chain services {
                ip daddr 10.1.0.1 accept
            }
        }
        table inet lbproxy {
            chain postrouting {
                type nat hook postrouting priority srcnat
            }
        }
    """)
    before = readers.rules()
    await tables.replace(EVERYTHING)
    assert await tables.read() == EVERYTHING
    await tables.remove()
    assert readers.rules() == before
