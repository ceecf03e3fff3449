"""What the IPVS dataplane expects of nftables: the fake of its tests answers as the real one does."""

import errno
import socket
from dataclasses import replace

import pytest

from lbproxy.dataplanes.ipvs.kernel import nft_rules
from lbproxy.dataplanes.ipvs.planning.values import Mark, Ruleset, ServiceKey
from lbproxy.model.address import Address
from lbproxy.netlink.errors import KernelError
from tests.support.network import VIP, VIP6

from .fake_netfilter import FakeNetfilter
from .subjects import Subject

WEB, WEB6 = Address(VIP, 80), Address(VIP6, 80)
OWNED: frozenset[ServiceKey] = frozenset({WEB, WEB6, Mark(socket.AF_INET, 0x10001), Mark(socket.AF_INET6, 0x10002)})
EVERYTHING = Ruleset(OWNED, {Address(VIP, 443): 0x10001, Address(VIP6, 443): 0x10002})


@pytest.mark.parametrize("ruleset", [
    Ruleset(), Ruleset(frozenset({WEB})), Ruleset(frozenset({WEB6})), EVERYTHING,
    Ruleset(frozenset({Mark(socket.AF_INET, 1)})), Ruleset(OWNED)],
    ids=["nothing", "one address", "one of IPv6", "everything", "one mark", "marks that no packet gets any more"])
async def test_what_was_written_is_read_again(subject: Subject, ruleset: Ruleset) -> None:
    await subject.netfilter.replace(EVERYTHING)
    await subject.netfilter.replace(ruleset)
    assert await subject.netfilter.read() == ruleset


@pytest.mark.parametrize("alteration", [
    "flush chain ip lbproxy postrouting", "add rule ip lbproxy postrouting counter accept",
    "insert rule ip6 lbproxy prerouting drop", "add chain ip lbproxy another", "add set ip lbproxy more { type mark; }",
    "add table ip6 lbproxy { flags dormant; }"])
async def test_alteration_by_another_program_is_seen_and_undone_by_the_next_writing(
        subject: Subject, alteration: str) -> None:
    await subject.netfilter.replace(EVERYTHING)
    subject.nft(alteration)
    found = await subject.netfilter.read()
    assert not found.is_intact
    assert (found.owned, found.marking) == (OWNED, EVERYTHING.marking)
    await subject.netfilter.replace(EVERYTHING)
    assert await subject.netfilter.read() == EVERYTHING


async def test_set_that_another_program_removed_is_no_longer_said(subject: Subject) -> None:
    await subject.netfilter.replace(EVERYTHING)
    subject.nft("flush chain ip lbproxy postrouting", "delete set ip lbproxy services")
    found = await subject.netfilter.read()
    assert (WEB in found.owned, WEB6 in found.owned, found.is_intact) == (False, True, False)


async def test_set_of_our_name_that_is_not_ours_is_an_alteration(subject: Subject) -> None:
    subject.nft("add table ip lbproxy", "add set ip lbproxy services { type mark; }",
                "add element ip lbproxy services { 7 }")
    assert await subject.netfilter.read() == Ruleset(is_intact=False)
    await subject.netfilter.replace(EVERYTHING)
    assert await subject.netfilter.read() == EVERYTHING


async def test_table_that_another_program_deleted_says_nothing(subject: Subject) -> None:
    await subject.netfilter.replace(EVERYTHING)
    subject.nft("delete table ip lbproxy")
    found = await subject.netfilter.read()
    assert found.owned == {WEB6, Mark(socket.AF_INET6, 0x10002)}
    assert found.is_intact
    subject.nft("flush ruleset")
    assert await subject.netfilter.read() == Ruleset()


async def test_removal_needs_nothing_to_be_there(subject: Subject) -> None:
    await subject.netfilter.remove()
    await subject.netfilter.replace(EVERYTHING)
    await subject.netfilter.remove()
    assert await subject.netfilter.read() == Ruleset()


async def test_refused_writing_leaves_everything_as_it_was(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    await subject.netfilter.replace(EVERYTHING)
    with monkeypatch.context() as patch:
        if isinstance(subject.netfilter, FakeNetfilter):
            subject.netfilter.failures.append(errno.ENOENT)
        else:  # a chain of a type that no kernel has: refused after half of it, IPv4's removal, was accepted
            patch.setattr(nft_rules, "POSTROUTING", replace(nft_rules.POSTROUTING, kind="none-such"))
        with pytest.raises(KernelError, match=r"^can't write our nftables: No such file or directory") as caught:
            await subject.netfilter.replace(Ruleset(frozenset({WEB6})))
    assert caught.value.errno == errno.ENOENT
    assert await subject.netfilter.read() == EVERYTHING


async def test_thousands_of_addresses_fit(subject: Subject) -> None:
    many = Ruleset(frozenset(Address(f"fd01::{number:x}", 80) for number in range(1, 3001)))
    await subject.netfilter.replace(many)
    assert await subject.netfilter.read() == many
