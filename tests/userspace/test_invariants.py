"""What the relay's package promises of every connection, whatever happens to it.

Each harness checks it after each batch (`CheckedByteLoop`); here is seen that this notices a breach, that nobody else
does what one function is for, and that the tests that the package names are there.
"""

import ast
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import fields
from itertools import product
from pathlib import Path
from socket import AF_INET, SOCK_STREAM
from typing import Any

import pytest

from lbproxy.dataplanes.userspace import worker
from lbproxy.dataplanes.userspace.shared.reasons import Closed, Rejected
from lbproxy.dataplanes.userspace.worker.connection import Connection, End, Phase
from lbproxy.model.snapshot import Policy

from .harness import Harness
from .peers import converse, until

SOURCES = sorted(Path(next(iter(worker.__path__))).glob("*.py"))
BREACHES: dict[str, Callable[[Connection], object]] = {
    "stale sink": lambda connection: setattr(connection.client, "is_blocked", True),
    "forgotten sink": lambda connection: setattr(connection.server, "sink", None),
    "another phase": lambda connection: setattr(connection, "phase", Phase.QUEUED),
    "no target": lambda connection: delattr(connection, "target"),
    "lost lease": lambda connection: setattr(connection.target, "active", 0),
    "not in the ring": lambda connection: connection.bucket.clear(),
    "owed and read": lambda connection: setattr(connection.client, "unsent", b"rest"),
    "queued nowhere": lambda connection: setattr(connection.client, "is_queued", True),
}


@pytest.mark.parametrize("breach", BREACHES)
async def test_broken_invariant_is_noticed(harness: Harness, breach: str) -> None:
    client, server = await harness.pair(harness.backend())
    await converse(client, server)
    connection, byte_loop = harness.connections[0], harness.engine._byte_loop
    saved = [(thing, name, getattr(thing, name)) for thing, name in _changeable(connection)]
    bucket = set(connection.bucket)
    BREACHES[breach](connection)
    with pytest.raises(AssertionError):
        byte_loop.check()  # type: ignore[attr-defined]
    for thing, name, value in saved:
        setattr(thing, name, value)
    connection.bucket |= bucket
    byte_loop.check()  # type: ignore[attr-defined]


def test_only_one_function_sets_a_sink() -> None:
    """`End.adopt` begins without one."""
    setters = {f"{path.stem}.{function.name}" for path in SOURCES for function in _functions(path)
               if "sink" in {target.attr for target in _targets(function) if isinstance(target, ast.Attribute)}}
    assert setters == {"connection.adopt", "connection.update_sinks"}


def test_no_attribute_is_asked_for_by_name() -> None:
    """The phase says what a connection has."""
    calls = [node.func.id for path in SOURCES for node in ast.walk(ast.parse(path.read_text()))
             if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    assert not {"hasattr", "delattr", "setattr"} & set(calls)


async def test_connection_blocks_on_neither_side(harness: Harness) -> None:
    """Whoever calls recv or send on an end need not think of MSG_DONTWAIT."""
    await harness.pair(harness.backend())
    await until(lambda: len(harness.connections) == 1)
    connection = harness.connections[0]
    for end in (connection.client, connection.server):
        assert not os.get_blocking(end.fileno())
        with pytest.raises(BlockingIOError):
            end.recv(1)


@pytest.mark.parametrize("phase", Phase)
def test_sinks_follow_from_phase_and_flags(phase: Phase) -> None:
    nobody: Any = None
    connection = Connection(nobody, 0.0)
    connection.client, connection.server = ends = End(AF_INET, SOCK_STREAM), End(AF_INET, SOCK_STREAM)
    for end in ends:
        end.adopt(connection, end.fileno())
    connection.phase = phase
    for flags in product([False, True], repeat=6):
        for end, (end.is_blocked, end.is_bulk, end.has_ended) in zip(ends, (flags[:3], flags[3:]), strict=True):
            assert end in ends
        connection.update_sinks()
        is_free = phase is Phase.RELAYING and not (flags[0] or flags[3])
        assert connection.client.sink is (connection.server if is_free and not any(flags[1:3]) else None)
        assert connection.server.sink is (connection.client if is_free and not any(flags[4:6]) else None)
    for end in ends:
        end.close()


def test_tests_that_the_package_names_exist() -> None:
    named = set(re.findall(r"\btest_\w+", worker.__doc__ or ""))
    texts = [path.read_text() for path in Path(__file__).parent.glob("test_*.py")]
    there = {name for text in texts for name in re.findall(r"def (test_\w+)", text)}
    assert named
    assert named - there == set()


def test_what_the_package_names_exists() -> None:
    """And each module of it is named."""
    page = worker.__doc__ or ""
    known = {path.stem for path in SOURCES} | {field.name for field in fields(Policy)} | set(End.__slots__)
    known |= {reason.label for reason in (*Closed, *Rejected)}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                known |= {node.name, *(f"{node.name}.{function.name}" for function in _functions_of(node))}
    assert set(re.findall(r"`([\w.]+)`", page)) - known == set()
    assert {path.stem for path in SOURCES} - {"__init__"} <= set(re.findall(r"`(\w+)`", page))


def _changeable(connection: Connection) -> Iterator[tuple[Any, str]]:
    yield from ((connection, "phase"), (connection, "target"), (connection.target, "active"))
    for end in (connection.client, connection.server):
        yield from ((end, name) for name in ("is_blocked", "is_queued", "unsent", "sink"))


def _functions(path: Path) -> list[ast.FunctionDef]:
    return _functions_of(ast.parse(path.read_text()))


def _functions_of(tree: ast.AST) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def _targets(function: ast.FunctionDef) -> Iterator[ast.expr]:
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from ast.walk(target)  # type: ignore[misc]
        elif isinstance(node, ast.AnnAssign | ast.AugAssign):
            yield node.target
