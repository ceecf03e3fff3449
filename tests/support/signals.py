"""Signals of the processes that tests start."""

DEFAULT_SIGNALS = ("env", "--default-signal=INT")
"""What comes before the command of a process that a test interrupts. A shell has its background commands ignore SIGINT
(POSIX.1-2017, 2.11), all their children inherit that, and Python then installs no handler of its own. It is the same
process afterwards: `env` becomes the command."""
