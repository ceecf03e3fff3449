"""What is wrong with a file before any option is looked at."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lbproxy.config import document

Refusal = Callable[..., str]

NOT_YAML = "look for a missing quote, colon, bracket or space on this line or above it"

BAD_FILES = {
    "empty": ("", "lbproxy.yaml: the file is empty; list services: in it"),
    "only-comments": ("# nothing\n", "lbproxy.yaml: the file is empty; list services: in it"),
    "only-a-marker": ("---\n", "lbproxy.yaml: the file is empty; list services: in it"),
    "list-at-top": (
        "# a list\n- listen: 127.0.0.1:80\n",
        "lbproxy.yaml:2: the file is not a mapping; write keys at the top, such as services:"),
    "text-at-top": (
        "lbproxy", "lbproxy.yaml:1: the file is not a mapping; write keys at the top, such as services:"),
    "two-documents": (
        "services: []\n---\nservices: []\n", "lbproxy.yaml:2: a second document starts here; write one only"),
    "open-bracket": (
        "services:\n  - listen: [127.0.0.1:80\n",
        ("lbproxy.yaml:3: this is not YAML (expected ',' or ']', but got '<stream end>' "
        f"while parsing a flow sequence); {NOT_YAML}")),
    "open-quote": (
        'services:\n  - name: "web\n',
        ("lbproxy.yaml:3: this is not YAML (found unexpected end of stream "
        f"while scanning a quoted scalar); {NOT_YAML}")),
    "two-colons": (
        "a: b: c\n", f"lbproxy.yaml:1: this is not YAML (mapping values are not allowed here); {NOT_YAML}"),
    "tab": (
        "services:\n\t- name: web\n",
        ("lbproxy.yaml:2: this is not YAML (found character '\\t' that cannot start any token "
        f"while scanning for the next token); {NOT_YAML}")),
    "not-utf-8": (
        b"\n# caf\xe9\n", "lbproxy.yaml:2: the byte 0xe9 is not UTF-8; save the file as UTF-8"),
    "utf-16": (
        "services:".encode("utf-16"), "lbproxy.yaml:1: the byte 0xff is not UTF-8; save the file as UTF-8"),
    "nul": (
        b"\nc: \x00\n", "lbproxy.yaml:2: the character U+0000 is not allowed; remove it"),
    "escape-character": (
        "a: b\n\nc: \x1b[31m\n", "lbproxy.yaml:3: the character U+001B is not allowed; remove it"),
    "key-twice": (
        "queue: 1\nworkers: 2\nqueue: 3\n", "lbproxy.yaml:3: queue: is given twice, first in line 1; remove one"),
    "key-twice-in-a-service": (
        "services:\n  - listen: 127.0.0.1:80\n    listen: 127.0.0.1:81\n",
        "lbproxy.yaml:3: services[0].listen: is given twice, first in line 2; remove one"),
    "alias": (
        "services:\n  - &web {listen: 127.0.0.1:80}\n  - *web\n",
        "lbproxy.yaml:3: services[1]: the alias '*web' is not supported; write the value itself"),
    "alias-of-itself": (
        "services: &s [*s]\n",
        "lbproxy.yaml:1: services[0]: the alias '*s' is not supported; write the value itself"),
    "alias-as-key": (
        "a: &k b\n*k : c\n", "lbproxy.yaml:2: the alias '*k' is not supported; write the value itself"),
    "merge-key": (
        "services:\n  - <<: {listen: 127.0.0.1:80}\n", ("lbproxy.yaml:2: services[0].'<<': unknown key; "
        "see lbproxy run --help (and 1 more)")),
    "python-tag": (
        "services: !!python/object/apply:os.system [id]\n",
        ("lbproxy.yaml:1: services: the tag 'tag:yaml.org,2002:python/object/apply:os.system' "
        "is not supported; remove it")),
    "tag-at-top": (
        "!x {services: []}\n", "lbproxy.yaml:1: the tag '!x' is not supported; remove it"),
    "tag-on-key": (
        "!!str queue: 5\n", "lbproxy.yaml:1: the tag 'tag:yaml.org,2002:str' is not supported; remove it"),
    "list-as-key": (
        "? [a, b]\n: c\n", "lbproxy.yaml:1: a key is not text; write a word and a colon"),
    "no-value": (
        "workers: 2\nqueue:\n", "lbproxy.yaml:2: queue: has no value; write one, or remove the key"),
    "null": (
        "services:\n  - name: ~\n", ("lbproxy.yaml:2: services[0].name: has no value; "
        "write one, or remove the key")),
    "deep": (
        "services: " + "[" * 50_000,
        "lbproxy.yaml:1: services[0]: nests too deeply; write no more levels than services need"),
}


@pytest.mark.parametrize(("content", "line"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_bad_file_is_refused_with_its_line(content: str | bytes, line: str, refusal_of_file: Refusal) -> None:
    assert refusal_of_file(content) == line


def test_missing_file_is_refused(refusal: Refusal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert refusal(path=Path("lost.yaml")) == (
        "lost.yaml: can't be read (No such file or directory); write the path of a readable file")


def test_directory_is_refused(refusal: Refusal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert refusal(path=Path()) == ".: can't be read (Is a directory); write the path of a readable file"


def test_endless_file_is_refused_without_reading_it_all(refusal: Refusal) -> None:
    assert refusal(path=Path("/dev/zero")) == "/dev/zero: is larger than 4 MiB; write a smaller file"


def test_file_of_just_the_largest_size_is_read(
        refusal_of_file: Refusal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "LARGEST", 2 << 20)
    assert refusal_of_file(b"\0" * (2 << 20)) == "lbproxy.yaml:1: the character U+0000 is not allowed; remove it"
    assert refusal_of_file(b"\0" * ((2 << 20) + 1)) == "lbproxy.yaml: is larger than 2 MiB; write a smaller file"


def test_hostile_file_name_is_escaped(refusal: Refusal) -> None:
    assert refusal(path=Path("a\n\x1b[31m\0b")).startswith(r"a\n\x1b[31m\x00b: can't be read (embedded null byte)")


def test_variable_names_the_file_too(refusal: Refusal) -> None:
    assert refusal({}, {"LBPROXY_CONFIG": "/nowhere/lb.yaml"}).startswith("/nowhere/lb.yaml: can't be read")
