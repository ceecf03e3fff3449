"""How long a test waits for what must come: a guard against hanging. It says nothing about how fast anything is."""

import os

IN_GUEST = "LBPROXY_TEST_REPORTS" in os.environ
"""These tests run in the guest, where all is about ten times as slow."""
PATIENCE = 240.0 if IN_GUEST else 60.0
"""Seconds after which what a test waits for counts as never coming. A quiet machine needs a hundredth of it."""
NEVER = 100 * PATIENCE
"""Seconds of a limit that must not be what ends something: who waits for it has lost patience long before."""
