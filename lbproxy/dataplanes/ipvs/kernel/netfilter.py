"""Our two nftables tables in the running kernel: what is masqueraded and marked, and the record of what is ours."""

import errno
import socket
from collections.abc import Iterator
from itertools import chain

from lbproxy.dataplanes.ipvs.kernel import rules
from lbproxy.dataplanes.ipvs.planning.values import Ruleset
from lbproxy.netlink import nftables
from lbproxy.netlink.attributes import fields, items, string, text
from lbproxy.netlink.channel import ACK, CREATE, DUMP, NETFILTER, NetlinkChannel, NetlinkMessage
from lbproxy.netlink.errors import KernelError
from lbproxy.netlink.nftables import NftChain, NftTable

NAME = "lbproxy"
OURS = text(nftables.TABLE_NAME, NAME)
"""Of chains, rules and sets too, the first attribute names the table."""
FAMILIES = {socket.AF_INET: 2, socket.AF_INET6: 10}
"""As netfilter numbers them."""
DOING = "read our nftables"


class NftTables:
    """Implements `Netfilter`."""

    def __init__(self) -> None:
        self._channel = NetlinkChannel(NETFILTER)
        self._known: tuple[bytes, Ruleset] | None = None
        """What was read last, and the generation of all rules that it was read in."""

    async def read(self) -> Ruleset:
        """See `Netfilter`. Whoever changes any rule begins a new generation: in the same one, nothing is read again."""
        generation = await self._generation()  # first: what changes while the rest is read is of a later one
        if self._known is None or self._known[0] != generation:
            self._known = generation, await self._read_all()
        return self._known[1]

    async def replace(self, ruleset: Ruleset) -> None:
        """See `Netfilter`."""
        await self._transact("write our nftables", {
            family: rules.table(family, ruleset) for family in FAMILIES})

    async def remove(self) -> None:
        """See `Netfilter`."""
        await self._transact("remove our nftables", {family: NftTable() for family in FAMILIES})

    async def close(self) -> None:
        """See `Netfilter`."""
        self._channel.close()

    async def _generation(self) -> bytes:
        """Ask which it is: one request instead of some twenty, each second."""
        answer, = await self._channel.exchange(DOING, nftables.message(0, nftables.GET_GENERATION, flags=ACK))
        return fields(answer[nftables.HEADER.size:])[nftables.GENERATION]

    async def _read_all(self) -> Ruleset:
        found = [await self._read(family) for family in FAMILIES]
        return Ruleset(frozenset().union(*(one.owned for one in found)),
                       dict(chain.from_iterable(one.marking.items() for one in found)),
                       all(one.is_intact for one in found))

    async def _transact(self, doing: str, tables: dict[socket.AddressFamily, NftTable]) -> None:
        messages = [message for family, table in tables.items() for message in _replaced(FAMILIES[family], table)]
        last = messages.pop()  # is answered when all is done; what fails is answered in any case
        asking = NetlinkMessage(last.kind, last.body, last.flags | ACK)
        await self._channel.exchange(doing, *nftables.transaction([*messages, asking]))

    async def _read(self, family: socket.AddressFamily) -> Ruleset:
        number = FAMILIES[family]
        table = await self._ask(number, nftables.GET_TABLE, OURS)
        if not table:
            return Ruleset()
        elements = {name: await self._elements(number, name) for name in (rules.SERVICES, rules.MARKS, rules.MARKING)}
        try:
            said = rules.ruleset(family, elements)
        except ValueError:
            return Ruleset(is_intact=False)
        return Ruleset(said.owned, said.marking, await self._is_intact(number, rules.table(family, said), table[0]))

    async def _elements(self, family: int, name: str) -> list[tuple[bytes, bytes]]:
        answers = await self._ask(family, nftables.GET_ELEMENTS, OURS, text(nftables.LIST_SET, name), flags=DUMP)
        lists = (fields(answer).get(nftables.LIST_ELEMENTS, b"") for answer in answers)
        return [_element(one) for elements in lists for _, one in items(elements)]

    async def _is_intact(self, family: int, wanted: NftTable, found: bytes) -> bool:
        """Whether the table does what its sets say: nothing lacks, and nothing was added."""
        described = fields(found)
        is_dormant = any(described.get(nftables.TABLE_FLAGS, b""))
        members = int.from_bytes(described.get(nftables.TABLE_USE, b""))
        if is_dormant or members != len(wanted.sets) + len(wanted.chains):
            return False
        for one in wanted.chains:
            answers = await self._ask(family, nftables.GET_CHAIN, OURS, text(nftables.CHAIN_NAME, one.name))
            if [_chain(answer) for answer in answers] != [one]:
                return False
        answers = await self._ask(family, nftables.GET_RULE, OURS, flags=DUMP)
        return sorted(map(_rule, answers)) == sorted((one.chain, one.comment) for one in wanted.rules)

    async def _ask(self, family: int, kind: int, *attributes: bytes, flags: int = ACK) -> list[bytes]:
        """Ask for something in our table; nothing if it isn't there."""
        message = nftables.message(family, kind, *attributes, flags=flags)
        try:
            return [answer[nftables.HEADER.size:] for answer in await self._channel.exchange(DOING, message)]
        except KernelError as error:
            if error.errno == errno.ENOENT:
                return []
            raise


def _replaced(family: int, table: NftTable) -> Iterator[NetlinkMessage]:
    """Whatever is there goes, and what is wanted comes; making it first lets it be deleted without a look."""
    yield nftables.message(family, nftables.NEW_TABLE, OURS, flags=CREATE)
    yield nftables.message(family, nftables.DELETE_TABLE, OURS)
    if table.sets:
        yield from nftables.made(family, NAME, table)


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
    """Give its chain and its comment; a comment is all that is looked at, for no rule can be changed and keep it."""
    found = fields(answer)
    return string(found[nftables.RULE_CHAIN]), string(found.get(nftables.RULE_USER_DATA, b"")[2:])
