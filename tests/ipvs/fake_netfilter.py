"""Our nftables tables without a kernel: stateful, able to fail, and open to the edits of other programs."""

import errno
import os
import socket
import struct
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

from lbproxy.dataplanes.ipvs.kernel.nft_rules import decode_ruleset, encode_ruleset
from lbproxy.dataplanes.ipvs.planning.values import Ruleset
from lbproxy.netlink.errors import KernelError
from lbproxy.netlink.nftables import NftChain, NftRule, NftSet, NftTable

FAMILIES = {"ip": socket.AF_INET, "ip6": socket.AF_INET6}
MARK_TYPE = 19


class FakeNetfilter:
    """Holds each family's table as the kernel does, and reads back only what stands in it."""

    def __init__(self) -> None:
        self.tables: dict[socket.AddressFamily, NftTable] = {}
        self.dormant: set[socket.AddressFamily] = set()
        self.writes: list[Ruleset] = []
        """Every ruleset that was written."""
        self.failures: deque[int] = deque()
        """Error numbers of the next transactions, one each; 0: none."""
        self.read_failures: deque[int] = deque()
        """The same for the next readings."""

    @property
    def ruleset(self) -> Ruleset:
        """What the tables say."""
        found = [self._read(family) for family in self.tables]
        return Ruleset(frozenset().union(*(one.owned for one in found)),
                       dict(chain.from_iterable(one.marking.items() for one in found)),
                       all(one.is_intact for one in found))

    async def read(self) -> Ruleset:
        if self.read_failures and (code := self.read_failures.popleft()):
            raise _refused("read our nftables", code)
        return self.ruleset

    async def replace(self, ruleset: Ruleset) -> None:
        self._fail_if_told("write our nftables")
        tables = {family: encode_ruleset(family, ruleset) for family in FAMILIES.values()}
        self.tables = {family: table for family, table in tables.items() if table.sets}
        self.dormant.clear()
        self.writes.append(ruleset)

    async def remove(self) -> None:
        self._fail_if_told("remove our nftables")
        self.tables.clear()

    async def close(self) -> None:
        pass

    def nft(self, *command: str) -> None:
        """Do what nft(8) would, for the few commands by which tests alter our tables."""
        match " ".join(command).split():
            case ["flush", "ruleset"]:
                self.tables.clear()
            case ["delete", "table", family, "lbproxy"]:
                self.tables.pop(FAMILIES[family])
            case ["add", "table", family, "lbproxy", *block]:
                self.tables.setdefault(FAMILIES[family], NftTable())
                self.dormant |= {FAMILIES[family]} if "dormant;" in block else set()
            case [verb, kind, family, "lbproxy", name, *rest] if FAMILIES.get(family) in self.tables:
                table = self.tables[FAMILIES[family]]
                self.tables[FAMILIES[family]] = _altered(table, verb, kind, name, rest)
            case words:
                raise AssertionError(f"the fake knows no nft {words}")

    def _read(self, family: socket.AddressFamily) -> Ruleset:
        table = self.tables[family]
        try:
            said = decode_ruleset(family, {one.name: one.elements for one in table.sets})
        except ValueError:
            return Ruleset(is_intact=False)
        is_intact = table == encode_ruleset(family, said) and family not in self.dormant
        return replace(said, is_intact=is_intact)

    def _fail_if_told(self, attempt: str) -> None:
        if self.failures and (code := self.failures.popleft()):
            raise _refused(attempt, code)


def _altered(table: NftTable, verb: str, kind: str, name: str, rest: Sequence[str]) -> NftTable:
    match verb, kind:
        case ("add" | "delete" | "flush" | "insert"), ("chain" | "rule"):
            return _with_rules(table, verb, kind, name)
        case "add", "set":
            return replace(table, sets=(*table.sets, NftSet(name, MARK_TYPE, 4, [], is_host_order=True)))
        case "add", "element":
            element = struct.pack("=I", int(rest[1])), b""
            return replace(table, sets=tuple(
                replace(one, elements=[*one.elements, element]) if one.name == name else one for one in table.sets))
        case "delete", "set":
            return replace(table, sets=tuple(one for one in table.sets if one.name != name))
    raise AssertionError(f"the fake knows no nft {verb} {kind}")


def _with_rules(table: NftTable, verb: str, kind: str, chain: str) -> NftTable:
    foreign = NftRule(chain, "", ())
    match verb, kind:
        case "flush", "chain":
            return replace(table, rules=tuple(rule for rule in table.rules if rule.chain != chain))
        case "add", "chain":
            return replace(table, chains=(*table.chains, NftChain(chain, "", 0, 0)))
        case "add", "rule":
            return replace(table, rules=(*table.rules, foreign))
        case "insert", "rule":
            return replace(table, rules=(foreign, *table.rules))
    raise AssertionError(f"the fake knows no nft {verb} {kind}")


def _refused(attempt: str, code: int) -> KernelError:
    assert code in errno.errorcode
    return KernelError(f"can't {attempt}: {os.strerror(code)}", code)
