"""Whatever is given: a configuration, or one printable line that says why not."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lbproxy.config import Config, load
from lbproxy.config.option_names import KNOWN, variable
from lbproxy.model.errors import ConfigError

EXAMPLE = (Path(__file__).parents[2] / "deploy" / "lbproxy.example.yaml").read_bytes()
LONGEST = 1000

any_text = st.text(st.characters(), max_size=80)
"""Surrogates too: so argv and the environment carry bytes that are not UTF-8."""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile") / "lbproxy.yaml"


def outcome(options: Mapping[str, object], environment: Mapping[str, str], path: Path | None) -> Config | str:
    try:
        return load(options, environment, path)
    except ConfigError as error:
        line = str(error)
        assert line.isprintable()
        assert 0 < len(line) < LONGEST
        return line


@given(st.sampled_from(KNOWN), any_text)
def test_any_option_and_variable(name: str, text: str) -> None:
    one = {"listen": ("127.0.0.1:80",), "backend": ("127.0.0.1:9001",)}
    outcome({**one, name: (text,)}, {}, None)
    outcome({**one, name: text}, {}, None)
    outcome({**one, text: text}, {}, None)
    outcome(one, {variable(name): text, f"LBPROXY_{text}": text}, None)


@given(st.binary(max_size=200))
@example(b"a: &a [*a]")
def test_any_bytes_as_file(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert isinstance(outcome({}, {}, file), str)


@settings(max_examples=150)
@given(st.integers(0, len(EXAMPLE)), st.integers(0, 20), st.sampled_from(
    [b"", b"[", b"]", b"{", b"}", b":", b": ", b"- ", b"\n", b" ", b"\t", b'"', b"'", b"&a ", b"*a", b"!!int ", b"#",
     b"|", b">", b"? ", b"%", b"---\n", b"...\n", b"~", b"0", b"-1", b"\xff", b"\0", b"\xe2\x80\xae", b"<<: "]))
def test_example_file_with_any_damage(file: Path, start: int, length: int, insertion: bytes) -> None:
    file.write_bytes(EXAMPLE[:start] + insertion + EXAMPLE[start + length:])
    outcome({}, {}, file)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["127.0.0.1:80", "x", "5s", "\x1b"]),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(
        st.sampled_from(["name", "listen", "backends", "address", "weight", "queue", "\n"]), children, max_size=3),
    max_leaves=6)


@given(st.dictionaries(st.sampled_from(["services", "queue", "admin", "scheduler", "idle-timeout", "\x07"]), values))
def test_any_shape_of_values_as_file(file: Path, document: dict[str, object]) -> None:
    file.write_text(as_flow_yaml(document))
    outcome({}, {}, file)


def as_flow_yaml(value: object) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{as_flow_yaml(key)}: {as_flow_yaml(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(as_flow_yaml, value)) + "]"
        case str():
            return '"' + "".join(f"\\x{ord(char):02x}" for char in value) + '"'
        case None:
            return "null"
    return str(value).lower()
