"""The names of an option: its field, `--an-option`, `LBPROXY_A_VARIABLE`, and its key in the file. Pure."""

import re
from collections.abc import Callable, Iterable, Mapping

from lbproxy.config.foreign_words import our_key
from lbproxy.config.options import OPTIONS
from lbproxy.text.quoting import closest

ONE_SERVICE = ("listen", "backend", "service")
"""The options that describe a single service, without a file."""

CONFIG_VARIABLE = "LBPROXY_CONFIG"
KNOWN = (*ONE_SERVICE, *OPTIONS)

# Kubernetes sets such variables in a pod for every Service of its namespace ("service links"), and for a Service called
# lbproxy they start like ours. So no option may be called `port`, or end in `-port` or `-service-host`.
_SERVICE_LINK = re.compile(
    r"_SERVICE_HOST$|_SERVICE_PORT(_[A-Z0-9_]+)?$|_PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$")


def option(name: str) -> str:
    """Return `--connect-timeout` for connect_timeout."""
    return f"--{kebab(name)}"


def variable(name: str) -> str:
    """Return `LBPROXY_CONNECT_TIMEOUT` for connect_timeout."""
    return f"LBPROXY_{name.upper()}"


def kebab(name: str) -> str:
    """Swap dashes and underscores: connect_timeout is connect-timeout. So no key of the file has two spellings."""
    return name.translate(str.maketrans("-_", "_-"))


def own_variables(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return our variables. An empty one counts as not set."""
    return {name: text for name, text in environment.items()
            if name.startswith("LBPROXY_") and text.strip() and not _SERVICE_LINK.search(name)}


def unknown(what: str, word: str, known: Iterable[str], spell: Callable[[str], str] = str) -> str:
    """Write that a word is unknown, and suggest ours for it, or the most similar known one, as `spell` writes it."""
    names = [*known]
    ours = {"backends": "backend"}.get(name, name) if (name := our_key(word)) else None
    for name in (our_key(word), ours):
        if name and (name in names or kebab(name) in names):
            return f"unknown {what}; lbproxy calls it {spell(name if name in names else kebab(name))}"
    guess = closest(word, names)
    return f"unknown {what}; " + (f"did you mean {spell(guess)}?" if guess else "see lbproxy run --help")
