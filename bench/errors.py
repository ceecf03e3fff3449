"""What can go wrong in a benchmark, said as whose fault it is."""


class BenchError(Exception):
    """A sample could not be taken; the message says of what and why."""


class NotInstalledError(BenchError):
    """This machine lacks a program; the message names it."""


class StartError(BenchError):
    """A program ended, or answered nothing, where it was expected to serve."""


class LabError(BenchError):
    """A lab could not be made as it should be, or removed; the message says what refused."""
