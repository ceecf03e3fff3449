"""Our nftables tables in a real kernel, and what nft(8) says of them."""

import errno
import socket
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from lbproxy.dataplanes.ipvs.kernel import nft_rules
from lbproxy.dataplanes.ipvs.kernel.netfilter import NftTables
from lbproxy.dataplanes.ipvs.planning.values import Mark, Ruleset, ServiceKey
from lbproxy.model.address import Address
from lbproxy.netlink.errors import KernelError
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


@pytest.mark.parametrize("ruleset", [
    Ruleset(), Ruleset(frozenset({WEB})), Ruleset(frozenset({WEB6})), EVERYTHING,
    Ruleset(frozenset({Mark(socket.AF_INET, 1)})), Ruleset(OWNED)],
    ids=["nothing", "one address", "one of IPv6", "everything", "one mark", "marks that no packet gets any more"])
async def test_what_was_written_is_read_again(tables: NftTables, ruleset: Ruleset) -> None:
    await tables.replace(EVERYTHING)
    await tables.replace(ruleset)
    assert await tables.read() == ruleset


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


@pytest.mark.parametrize("damage", [
    "flush chain ip lbproxy postrouting", "add rule ip lbproxy postrouting counter accept",
    "insert rule ip6 lbproxy prerouting drop", "add chain ip lbproxy another", "add set ip lbproxy more { type mark; }",
    "add table ip6 lbproxy { flags dormant; }"])
async def test_alteration_is_seen_and_mended_by_the_next_writing(
        tables: NftTables, network: Network, damage: str) -> None:
    await tables.replace(EVERYTHING)
    network.balancer.run("nft", damage)
    found = await tables.read()
    assert not found.is_intact
    assert found.owned == OWNED
    await tables.replace(EVERYTHING)
    assert await tables.read() == EVERYTHING


async def test_set_that_somebody_removed_is_no_longer_said(tables: NftTables, network: Network) -> None:
    await tables.replace(EVERYTHING)
    network.balancer.run("nft", "-f", "-", given="flush chain ip lbproxy postrouting\ndelete set ip lbproxy services")
    found = await tables.read()
    assert (WEB in found.owned, WEB6 in found.owned, found.is_intact) == (False, True, False)


async def test_set_of_our_name_that_is_not_ours_is_an_alteration(tables: NftTables, network: Network) -> None:
    network.balancer.run("nft", "-f", "-", given="""
        table ip lbproxy {
            set services {
                type mark
                elements = { 7 }
            }
        }
    """)
    assert await tables.read() == Ruleset(is_intact=False)
    await tables.replace(EVERYTHING)
    assert await tables.read() == EVERYTHING


async def test_what_others_change_between_two_readings_is_seen_though_ours_is_not_read_again_meanwhile(
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


async def test_removal_needs_nothing_to_be_there(tables: NftTables) -> None:
    await tables.remove()
    await tables.replace(EVERYTHING)
    await tables.remove()
    assert await tables.read() == Ruleset()
    assert readers.rules() == ""


async def test_refused_writing_leaves_everything_as_it_was(
        tables: NftTables, monkeypatch: pytest.MonkeyPatch) -> None:
    await tables.replace(EVERYTHING)
    before = readers.rules()
    monkeypatch.setattr(nft_rules, "POSTROUTING", replace(nft_rules.POSTROUTING, kind="none-such"))
    with pytest.raises(KernelError, match="can't write our nftables") as caught:
        await tables.replace(Ruleset(frozenset({WEB6})))  # after half of it, IPv4's removal, was accepted
    assert caught.value.errno == errno.ENOENT
    assert readers.rules() == before


async def test_thousands_of_addresses_fit(tables: NftTables) -> None:
    many = Ruleset(frozenset(Address(f"fd01::{place:x}", 80) for place in range(1, 3001)))
    await tables.replace(many)
    assert await tables.read() == many
