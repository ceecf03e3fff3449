"""One word for one thing: names that tell apart what they name."""

from collections import defaultdict

from .source import modules

SHARED_BASENAMES = {
    "__init__": "Python's own name for what a package says of itself",
    "dataplane": "the contract in lbproxy/model, and the class that keeps it, one for each dataplane",
    "errors": "a room's own errors, where callers look for them",
    "findings": "what a preflight finds out, one for each dataplane",
    "kind": "the object that stands for a dataplane, one for each, and their Protocol",
    "reference": "what a service says to have its backends from a source, one for each",
    "resolver": "what makes endpoints of a source's references, one for each",
    "metrics": "what a room measures, beside what it measures",
}
"""Modules that may be called the same in several rooms, and what makes that clear rather than confusing."""


def test_no_class_name_stands_twice() -> None:
    found = defaultdict(list)
    for module in modules():
        for definition in module.classes():
            found[definition.name].append(module.name)
    assert {name: places for name, places in found.items() if len(places) > 1} == {}


def test_no_module_is_called_as_another_one_except_where_that_is_clear() -> None:
    """A command's module is called as the command, whatever else has that word."""
    found = defaultdict(list)
    for module in modules():
        if not module.name.startswith("lbproxy.cli."):
            found[module.path.stem].append(module.name)
    twice = {name: places for name, places in found.items() if len(places) > 1}
    assert {name: places for name, places in twice.items() if name not in SHARED_BASENAMES} == {}
    assert SHARED_BASENAMES.keys() <= twice.keys(), "a reason that is needed no more"
