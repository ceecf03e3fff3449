from lbproxy.demo.frame import DemoEvent
from lbproxy.demo.log import DemoLog, Outage

from .samples import DOWN, row


def played() -> DemoLog:
    """bravo was stopped at 1 s, refused 2 connections, was found down at 2 s, and has run again since 3 s."""
    log = DemoLog()
    log.observe(0.0, [row(retries=5)], {"bravo": 10})
    log.stopped(1.0, "bravo")
    log.observe(1.5, [row(retries=7)], {"bravo": 10})
    log.observe(2.0, [row(state="down", reason=DOWN, retries=7)], {"bravo": 10})
    log.observe(2.5, [row(state="down", reason=DOWN, retries=7)], {"bravo": 10})
    log.started(3.0, "bravo")
    return log


def test_changes_of_state_become_events() -> None:
    assert list(played().events) == [
        DemoEvent(1.0, "bravo is told to stop, as Kubernetes stops a pod (SIGTERM)"),
        DemoEvent(2.0, "bravo: active → down (check failed: refused)"),
        DemoEvent(3.0, "bravo is started again"),
    ]


def test_outage_is_complete_once_the_backend_has_answered_again() -> None:
    log = played()
    (outage,) = log.outages
    seen = []
    for moment, answers in ((3.5, 10), (4.0, 11), (4.5, 12)):
        log.observe(moment, [row(retries=7)], {"bravo": answers})
        seen.append(outage.is_complete)
    assert seen == [False, True, True]
    assert (outage.retries, outage.used_at) == (2, 4.0)
    assert outage.states == ["active", "down (check failed: refused)", "active"]


def test_outage_counts_only_what_happened_since_it_began_and_to_its_own_backend() -> None:
    log = played()
    log.observe(4.0, [row("alpha", "down", DOWN, retries=99), row(retries=7)], {"alpha": 50, "bravo": 10})
    assert (log.outages[0].retries, log.outages[0].used_at) == (2, None)


def test_retries_alone_show_that_the_stop_was_noticed() -> None:
    assert Outage("bravo", 1.0, retries=1, states=["active"]).was_noticed
    assert Outage("bravo", 1.0, states=["active", "down (x)"]).was_noticed
    assert not Outage("bravo", 1.0, states=["active"]).was_noticed
