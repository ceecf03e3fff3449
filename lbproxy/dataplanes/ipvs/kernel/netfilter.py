"""Our two nftables tables in the running kernel: what is masqueraded and marked, and the record of what is ours.

Written over netlink, not by the nft program: the messages are few, and the image needs no further package.
"""

import errno
import socket
from collections.abc import Iterator
from itertools import chain

from lbproxy.dataplanes.ipvs.kernel import nft_rules
from lbproxy.dataplanes.ipvs.planning.values import Ruleset
from lbproxy.netlink import nftables
from lbproxy.netlink.attributes import fields, items, string, text
from lbproxy.netlink.errors import KernelError
from lbproxy.netlink.message import ACK, CREATE, DUMP, NetlinkMessage
from lbproxy.netlink.netlink_channel import NETFILTER, NetlinkChannel
from lbproxy.netlink.nftables import NftChain, NftTable

TABLE = "lbproxy"
TABLE_ATTRIBUTE = text(nftables.TABLE_NAME, TABLE)
"""The first attribute of requests for tables, chains, rules and sets alike."""
FAMILIES = {socket.AF_INET: 2, socket.AF_INET6: 10}
"""As netfilter numbers them (NFPROTO_IPV4, NFPROTO_IPV6)."""
READING = "read our nftables"


class NftTables:
    """Implements `Netfilter`."""

    def __init__(self) -> None:
        self._channel = NetlinkChannel(NETFILTER)
        self._last: tuple[bytes, Ruleset] | None = None
        """What was read last, and the ruleset generation in which it was read."""

    async def read(self) -> Ruleset:
        """See `Netfilter`.

        The kernel numbers the generations of its whole ruleset, and every change by any program begins a new one. In
        the same generation nothing is read again: one request instead of some twenty makes a pass over a small table
        cheaper by a third.
        """
        generation = await self._generation()  # first: a change during the reading then belongs to a later generation
        if self._last is None or self._last[0] != generation:
            self._last = generation, await self._read_all()
        return self._last[1]

    async def replace(self, ruleset: Ruleset) -> None:
        """See `Netfilter`."""
        await self._transact("write our nftables", {
            family: nft_rules.encode_ruleset(family, ruleset) for family in FAMILIES})

    async def remove(self) -> None:
        """See `Netfilter`."""
        await self._transact("remove our nftables", {family: NftTable() for family in FAMILIES})

    async def close(self) -> None:
        """See `Netfilter`."""
        self._channel.close()

    async def _generation(self) -> bytes:
        answer, = await self._channel.exchange(READING, nftables.message(0, nftables.GET_GENERATION, flags=ACK))
        return fields(answer[nftables.HEADER.size:])[nftables.GENERATION]

    async def _read_all(self) -> Ruleset:
        found = [await self._read(family) for family in FAMILIES]
        return Ruleset(frozenset().union(*(one.owned for one in found)),
                       dict(chain.from_iterable(one.marking.items() for one in found)),
                       all(one.is_intact for one in found))

    async def _transact(self, attempt: str, tables: dict[socket.AddressFamily, NftTable]) -> None:
        # Both families always: one that has nothing any more must lose its table in the same transaction.
        messages = [message for family, table in tables.items() for message in _replaced(FAMILIES[family], table)]
        # only the last message asks for an answer, which comes after all are done; a refusal is answered in any case
        last = messages.pop()
        asking = NetlinkMessage(last.kind, last.body, last.flags | ACK)
        await self._channel.exchange(attempt, *nftables.transaction([*messages, asking]))

    async def _read(self, family: socket.AddressFamily) -> Ruleset:
        number = FAMILIES[family]
        table = await self._ask(number, nftables.GET_TABLE, TABLE_ATTRIBUTE)
        if not table:
            return Ruleset()
        elements = {name: await self._elements(number, name) for name in nft_rules.SETS}
        try:
            ruleset = nft_rules.decode_ruleset(family, elements)
        except ValueError:
            # Elements that can't be ours: the table is written anew.
            return Ruleset(is_intact=False)
        wanted = nft_rules.encode_ruleset(family, ruleset)
        return Ruleset(ruleset.owned, ruleset.marking, await self._is_intact(number, wanted, table[0]))

    async def _elements(self, family: int, name: str) -> list[tuple[bytes, bytes]]:
        request = TABLE_ATTRIBUTE, text(nftables.LIST_SET, name)
        answers = await self._ask(family, nftables.GET_ELEMENTS, *request, flags=DUMP)
        lists = (fields(answer).get(nftables.LIST_ELEMENTS, b"") for answer in answers)
        return [_element(one) for elements in lists for _, one in items(elements)]

    async def _is_intact(self, family: int, wanted: NftTable, found: bytes) -> bool:
        """Whether the table does what its sets say: nothing is missing, and nothing was added."""
        description = fields(found)
        # A dormant table (NFT_TABLE_F_DORMANT) keeps its rules, and applies none.
        is_dormant = any(description.get(nftables.TABLE_FLAGS, b""))
        members = int.from_bytes(description.get(nftables.TABLE_USE, b""))
        # NFTA_TABLE_USE counts chains, sets and whatever else is in the table: one look finds what was added.
        if is_dormant or members != len(wanted.sets) + len(wanted.chains):
            return False
        for one in wanted.chains:
            answers = await self._ask(family, nftables.GET_CHAIN, TABLE_ATTRIBUTE, text(nftables.CHAIN_NAME, one.name))
            if [_chain(answer) for answer in answers] != [one]:
                return False
        answers = await self._ask(family, nftables.GET_RULE, TABLE_ATTRIBUTE, flags=DUMP)
        # Sorted: the dump goes chain by chain, in an order that is the kernel's.
        return sorted(map(_rule, answers)) == sorted((one.chain, one.comment) for one in wanted.rules)

    async def _ask(self, family: int, kind: int, *attributes: bytes, flags: int = ACK) -> list[bytes]:
        """Ask for something in our table; an empty list if it isn't there."""
        message = nftables.message(family, kind, *attributes, flags=flags)
        try:
            return [answer[nftables.HEADER.size:] for answer in await self._channel.exchange(READING, message)]
        except KernelError as error:
            if error.errno == errno.ENOENT:
                return []
            raise


def _replaced(family: int, table: NftTable) -> Iterator[NetlinkMessage]:
    """Delete the table and make it anew. Adding it first makes the deletion succeed also where there is none."""
    yield nftables.message(family, nftables.NEW_TABLE, TABLE_ATTRIBUTE, flags=CREATE)
    yield nftables.message(family, nftables.DELETE_TABLE, TABLE_ATTRIBUTE)
    if table.sets:
        yield from nftables.table_messages(family, TABLE, table)


def _element(written: bytes) -> tuple[bytes, bytes]:
    found = fields(written)
    return _value(found.get(nftables.ELEMENT_KEY)), _value(found.get(nftables.ELEMENT_DATA))


def _value(written: bytes | None) -> bytes:
    return fields(written or b"").get(nftables.VALUE, b"")


def _chain(answer: bytes) -> NftChain:
    found = fields(answer)
    hook = fields(found.get(nftables.CHAIN_HOOK, b""))
    return NftChain(string(found[nftables.CHAIN_NAME]), string(found.get(nftables.CHAIN_TYPE, b"")),
                    int.from_bytes(hook.get(nftables.HOOK_NUMBER, b"")),
                    int.from_bytes(hook.get(nftables.HOOK_PRIORITY, b""), signed=True))


def _rule(answer: bytes) -> tuple[str, str]:
    """Give a rule's chain and comment. The comment is enough: no program can change a rule and keep its user data."""
    found = fields(answer)
    user_data = found.get(nftables.RULE_USER_DATA, b"")
    return string(found[nftables.RULE_CHAIN]), string(user_data[nftables.USER_DATA_HEADER:])
