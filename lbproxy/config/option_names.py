"""What options are called: a field, `--an-option`, `LBPROXY_A_VARIABLE`, and a key of the file."""

import re
from collections.abc import Callable, Iterable, Mapping

from lbproxy.config.options import OPTIONS
from lbproxy.text.quoting import closest

ONE_SERVICE = ("listen", "backend", "service")
"""The options that describe a single service, without a file."""

CONFIG_VARIABLE = "LBPROXY_CONFIG"
KNOWN = (*ONE_SERVICE, *OPTIONS)

# In a pod, Kubernetes sets such variables for every Service of the namespace, and for one called lbproxy
# they start like ours. So no option may ever be called `port`, or end in `-port` or `-service-host`.
_SERVICE_LINK = re.compile(
    r"_SERVICE_HOST$|_SERVICE_PORT(_[A-Z0-9_]+)?$|_PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$")


def option(name: str) -> str:
    """Give `--connect-timeout` for connect_timeout."""
    return f"--{kebab(name)}"


def variable(name: str) -> str:
    """Give `LBPROXY_CONNECT_TIMEOUT` for connect_timeout."""
    return f"LBPROXY_{name.upper()}"


def kebab(name: str) -> str:
    """Give connect-timeout for connect_timeout, and the reverse: so no key has two spellings."""
    return name.translate(str.maketrans("-_", "_-"))


def own_variables(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Choose the variables that are for us; an empty one counts as not set."""
    return {name: text for name, text in environment.items()
            if name.startswith("LBPROXY_") and text.strip() and not _SERVICE_LINK.search(name)}


def unknown(what: str, word: str, known: Iterable[str], spell: Callable[[str], str] = str) -> str:
    """Say that a word is unknown and, where a known one resembles it, how that one is spelled here."""
    guess = closest(word, known)
    return f"unknown {what}; " + (f"did you mean {spell(guess)}?" if guess else "see lbproxy run --help")
