"""The configuration file as text: its values, and the line of each.

Whatever is wrong with the file itself (not readable, too large, not UTF-8, not YAML) is one `ConfigError`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from lbproxy.config.source_map import Problem, SourceMap, config_error
from lbproxy.config.yaml_tree import Tree
from lbproxy.model.errors import ConfigError, UnreadableFileError
from lbproxy.net import bounded_file
from lbproxy.text.quoting import escaped

LARGEST = 4 * 1024 * 1024
"""Bytes, enough for 70,000 backends. A larger file is a mistake, such as a path of a device that never ends."""

TIMEOUT = 10.0
"""Seconds for what is no regular file, such as a pipe: its writer may never come."""


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says, all of it text, and the line of each value."""

    values: Mapping[str, object] = field(default_factory=dict)
    source_map: SourceMap = field(default_factory=SourceMap)


def read(path: Path) -> Document:
    """Read a file. Raises `UnreadableFileError` if it can't be read, and `ConfigError` if it is no YAML mapping."""
    file = escaped(str(path))
    return _parsed(_text(_content(path, file), file), file)


def _content(path: Path, file: str) -> bytes:
    try:
        # One more than allowed: a device has no size to ask for.
        content = bounded_file.read(path, LARGEST + 1, TIMEOUT)
    except bounded_file.FileTimeoutError:
        mistake = _mistake(file, f"has not come to its end within {TIMEOUT:g} s; write a file, or to this one")
        raise UnreadableFileError(str(mistake)) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        mistake = _mistake(file, f"can't be read ({reason}); write the path of a readable file")
        raise UnreadableFileError(str(mistake)) from None
    if len(content) > LARGEST:
        raise _mistake(file, f"is larger than {LARGEST >> 20} MiB; write a smaller file")
    return content


def _text(content: bytes, file: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = f"0x{content[error.start]:02x}"
        raise _mistake(f"{file}:{line}", f"the byte {byte} is not UTF-8; save the file as UTF-8") from None


def _parsed(text: str, file: str) -> Document:
    try:
        # The events only: no object is ever made by the YAML library.
        tree = Tree(file, YAML(typ="safe", pure=True).parse(text))
        return Document(tree.read(), SourceMap(file, tree.lines))
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _mistake(f"{file}:{line}", f"the character U+{error.character:04X} is not allowed; "
                                         "remove it") from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _mistake(f"{file}:{mark.line + 1}", _not_yaml(error)) from None
    except YAMLError as error:
        raise _mistake(file, f"this is not YAML ({error}); correct it") from None
    except RecursionError:
        raise _mistake(file, "is nested too deeply; write it flat") from None
    except ConfigError:
        raise
    except Exception as error:  # noqa: BLE001 - the parser has assertions, for %YAML 1.3 among others
        raise _mistake(file, f"the YAML library fails on it ({type(error).__name__}); write plain YAML 1.2") from None


def _not_yaml(error: MarkedYAMLError) -> str:
    trouble = " ".join(filter(None, (error.problem, error.context)))
    return f"this is not YAML ({trouble}); look for a missing quote, colon, bracket or space on this line or above it"


def _mistake(place: str, text: str) -> ConfigError:
    return config_error([Problem((), text)], SourceMap(place))
