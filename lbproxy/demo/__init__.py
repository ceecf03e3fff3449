"""`lbproxy demo`: the real balancer before three small backends, with some traffic, and what becomes of it.

Nothing needs to be set up, and nothing is left behind.
"""


def run(seconds: float | None) -> int:
    """Show it until Ctrl-C, or for so many seconds; 0 if no request failed and all was shown, else 1."""
    from lbproxy.demo.play import run as play  # noqa: PLC0415 - the backends import this package, and need none of it

    return play(seconds)
