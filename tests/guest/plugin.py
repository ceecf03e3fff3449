"""Tests marked `kernel` need a kernel with IPVS: they run here if this one has it, else all in one guest.

What the guest reports counts as if it had happened here: outcomes, output, durations, JUnit.
"""

import os
from pathlib import Path

import pytest

from .account import Account
from .delegation import Delegation
from .run import REPORTS


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "kernel: needs a kernel with IPVS; runs in a guest where this one has none")
    reports = os.environ.get(REPORTS)
    config.pluginmanager.register(Account(config, Path(reports)) if reports else Delegation(config), "kernel")
