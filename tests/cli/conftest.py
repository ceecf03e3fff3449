import os
import sys
from collections.abc import Callable
from types import ModuleType

import pytest


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("LBPROXY_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def put_module(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Stand in for `lbproxy.<name>` with a module that has this `run`."""
    def put(name: str, run: Callable[..., int]) -> None:
        module = ModuleType(f"lbproxy.{name}")
        vars(module)["run"] = run
        monkeypatch.setitem(sys.modules, f"lbproxy.{name}", module)

    return put
