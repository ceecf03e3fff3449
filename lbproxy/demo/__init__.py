"""`lbproxy demo`: the real balancer in front of three small backends, with some traffic and a backend that stops.

Needs no setup and leaves nothing behind. `runner` stops and starts a backend and looks at the balancer, `log` remembers
what happened, `display` shows it; `processes` and `children` run the programs, `traffic` sends the requests.
"""


def run(seconds: float | None) -> int:
    """Show it until Ctrl-C, or for so many seconds.

    Returns the exit code: 0 if no request failed and, in a demo with an end, the stopped backend was avoided and then
    used again; 1 otherwise; 130 after a second Ctrl-C.
    """
    from lbproxy.demo.runner import run as play  # noqa: PLC0415 - the backends import this package, and need none of it

    return play(seconds)
