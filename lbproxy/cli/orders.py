"""What became of an order, in a line for each backend."""

from collections.abc import Iterator

from lbproxy.admin.schema import OrderedBackendShape, OrderedShape
from lbproxy.text.quoting import escaped


def said(answer: OrderedShape, terms: str) -> str:
    """Give the lines."""
    return "\n".join(line for one in answer["backends"] for line in _lines(one, terms))


def _lines(one: OrderedBackendShape, terms: str) -> Iterator[str]:
    count = one["active"]
    yield (f"{escaped(one['service'])}: {escaped(one['backend'])} {terms}; "
           f"it has {count or 'no'} connection{'s' * (count != 1)}")
    if terms.startswith("drains") and not one["others_open"]:
        yield f"warning: no other backend of {escaped(one['service'])} takes connections: its clients are refused"
