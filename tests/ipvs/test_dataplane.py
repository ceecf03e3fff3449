"""The IPVS dataplane over a kernel without packets: what it writes, and what it leaves alone."""

import errno
import socket
from collections.abc import Callable
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from lbproxy.dataplanes.ipvs.planning.marks import MarkRange
from lbproxy.dataplanes.ipvs.planning.steps import AddService, DeleteDestination, DeleteService, SetService
from lbproxy.dataplanes.ipvs.planning.values import Destination, Mark, Ruleset
from lbproxy.model.address import Address
from lbproxy.model.errors import BindError, DataplaneError
from lbproxy.model.snapshot import Backend, Policy, Scheduler

from .fake_kernel import FakeMachine
from .scene import ALPHA, BRAVO, CHARLIE, FAR, Scene, backend, dead, down, draining, free_address, web


async def test_listen_address_is_a_virtual_service_with_its_backends(scene: Scene) -> None:
    listen = free_address()
    policy = Policy(scheduler=Scheduler.WLC, max_conns=7, idle_timeout=30.0)
    await scene.apply(web(listen, backend(ALPHA, 3), backend(BRAVO, 5), policy=policy))
    service = scene.kernel.services[listen]
    assert service.scheduler == "wlc"
    assert {one.destination for one in service.destinations.values()} == {
        Destination(ALPHA, 3, 7), Destination(BRAVO, 5, 7)}
    assert scene.kernel.timeouts.tcp == 30
    assert scene.machine.netfilter.ruleset == Ruleset(frozenset({listen}))


async def test_wildcard_is_one_virtual_service_for_each_address_as_they_come_and_go(scene: Scene) -> None:
    listen = Address("0.0.0.0", free_address().port)
    await scene.apply(web(listen, FAR))
    assert set(scene.kernel.services) == {Address("192.0.2.1", listen.port), Address("192.0.2.2", listen.port)}
    scene.machine.addresses.hosts = {"192.0.2.2", "192.0.2.3"}
    await scene.until(lambda: set(scene.kernel.services) == {
        Address("192.0.2.2", listen.port), Address("192.0.2.3", listen.port)})


async def test_each_family_has_the_backends_of_its_own(scene: Scene) -> None:
    listen, listen6 = free_address(), free_address("::1")
    near6 = Address("::1", 9001)
    await scene.apply(replace(web(listen, ALPHA, near6), listens=(listen, listen6)))
    assert scene.kernel.weights(listen) == {ALPHA: 1}
    assert scene.kernel.weights(listen6) == {near6: 1}


@pytest.mark.parametrize("leave", [draining, down])
async def test_backend_that_is_not_open_has_weight_zero_and_gets_it_back_in_place(
        scene: Scene, leave: Callable[[Address], Backend]) -> None:
    listen = free_address()
    await scene.apply(web(listen, ALPHA, BRAVO))
    scene.kernel.connect(listen, ALPHA)
    await scene.apply(web(listen, leave(ALPHA), BRAVO))
    assert scene.kernel.weights(listen) == {ALPHA: 0, BRAVO: 1}
    await scene.apply(web(listen, ALPHA, BRAVO))
    assert scene.kernel.weights(listen) == {ALPHA: 1, BRAVO: 1}
    assert not any(isinstance(step, DeleteDestination) for step in scene.kernel.done)
    await scene.until(lambda: scene.stats(ALPHA).connections == 1)


async def test_last_resort_has_its_weight_though_it_drains(scene: Scene) -> None:
    listen = free_address()
    await scene.apply(web(listen, draining(ALPHA, 4, is_open=True)))
    assert scene.kernel.weights(listen) == {ALPHA: 4}


async def test_dead_backend_is_removed_and_its_connections_are_counted_as_lost(scene: Scene) -> None:
    listen = free_address()
    await scene.apply(web(listen, ALPHA, BRAVO))
    scene.kernel.connect(listen, ALPHA, times=3)
    await scene.apply(web(listen, dead(ALPHA), BRAVO))
    assert scene.kernel.weights(listen) == {BRAVO: 1}
    assert scene.dataplane.stats().services["web"].closed["backend_dead"] == 3


async def test_closed_backend_is_not_settled_before_it_was_read_again(scene: Scene) -> None:
    listen = free_address()
    await scene.apply(web(listen, ALPHA))
    await scene.apply(web(listen, draining(ALPHA)))
    assert not scene.stats(ALPHA).is_settled
    await scene.until(lambda: scene.stats(ALPHA).is_settled)


async def test_absent_backend_is_removed_whatever_connections_it_has(scene: Scene) -> None:
    listen = free_address()
    await scene.apply(web(listen, ALPHA, BRAVO))
    scene.kernel.connect(listen, ALPHA, times=2)
    await scene.apply(web(listen, BRAVO))
    assert scene.kernel.weights(listen) == {BRAVO: 1}
    assert scene.dataplane.stats().services["web"].closed["drain_timeout"] == 2


async def test_address_that_is_given_up_keeps_its_connections_and_goes_with_the_last(scene: Scene) -> None:
    before, after = free_address(), free_address()
    await scene.apply(web(before, ALPHA))
    scene.kernel.connect(before, ALPHA)
    await scene.apply(web(after, ALPHA))
    assert (scene.kernel.weights(before), scene.kernel.weights(after)) == ({ALPHA: 0}, {ALPHA: 1})
    scene.kernel.finish(before, ALPHA)
    scene.kernel.expire(before, ALPHA)
    await scene.until(lambda: set(scene.kernel.services) == {after})
    await scene.until(lambda: scene.machine.netfilter.ruleset.owned == {after})


async def test_address_that_another_service_takes_over_keeps_its_connections(scene: Scene) -> None:
    one, two = free_address(), free_address()
    await scene.apply(web(one, ALPHA), web(two, BRAVO, name="other"))
    scene.kernel.connect(one, ALPHA)
    scene.kernel.connect(two, BRAVO)
    await scene.apply(web(two, ALPHA), web(one, BRAVO, name="other"))
    assert scene.kernel.weights(one) == {ALPHA: 0, BRAVO: 1}
    assert scene.kernel.weights(two) == {ALPHA: 1, BRAVO: 0}
    await scene.until(lambda: scene.stats(ALPHA).active == scene.stats(BRAVO, "other").active == 1)


async def test_removed_service_is_removed(scene: Scene) -> None:
    listen = free_address()
    await scene.apply(web(listen, ALPHA))
    scene.kernel.connect(listen, ALPHA)
    await scene.apply()
    assert not scene.kernel.services
    assert scene.machine.netfilter.ruleset == Ruleset()


async def test_foreign_services_stay_as_they_are(scene: Scene) -> None:
    foreign, mark = Address("192.0.2.9", 80), Mark(socket.AF_INET, 9)
    scene.machine.foreign(foreign, Destination(FAR, 1))
    scene.machine.foreign(mark)
    before = dict(scene.kernel.services)
    listen = free_address()
    await scene.restart(is_cleaning=True)
    await scene.apply(web(listen, ALPHA))
    await scene.apply()
    await scene.dataplane.drain(0.1)
    assert scene.kernel.services == before


async def test_service_of_another_program_at_our_address_is_refused_and_named(scene: Scene) -> None:
    mine, theirs = free_address(), free_address()
    scene.machine.foreign(theirs, Destination(FAR, 1))
    with pytest.raises(BindError, match=f"ipvsadm -D -t {theirs}") as caught:
        await scene.apply(web(mine, ALPHA), web(theirs, ALPHA, name="other"))
    assert caught.value.address == theirs
    assert set(scene.kernel.services) == {theirs}
    assert not scene.machine.netfilter.writes


async def test_address_on_which_another_program_listens_is_refused(scene: Scene) -> None:
    listen = free_address()
    with socket.create_server(listen), pytest.raises(BindError, match="in use") as caught:
        await scene.apply(web(listen, ALPHA))
    assert caught.value.address == listen
    await scene.apply(web(listen, ALPHA))


async def test_loopback_to_another_host_is_refused(scene: Scene) -> None:
    listen = free_address()
    with pytest.raises(BindError, match="loopback"):
        await scene.apply(web(listen, FAR))
    assert not scene.kernel.done


async def test_second_lbproxy_in_one_network_namespace_is_refused(scene: Scene) -> None:
    await scene.apply(web(free_address(), ALPHA))
    other = Scene(scene.machine)
    with pytest.raises(BindError, match="another lbproxy"):
        await other.apply(web(free_address(), ALPHA))
    await other.end()


async def test_restart_finds_its_own_and_cuts_no_connection(scene: Scene) -> None:
    listen = free_address()
    await scene.apply(web(listen, ALPHA, BRAVO))
    scene.kernel.connect(listen, ALPHA)
    await scene.restart()
    scene.kernel.done.clear()
    await scene.apply(web(listen, ALPHA, CHARLIE))
    await scene.until(lambda: scene.kernel.weights(listen) == {ALPHA: 1, CHARLIE: 1})
    assert not any(isinstance(step, AddService | SetService | DeleteService) for step in scene.kernel.done)
    await scene.until(lambda: scene.stats(ALPHA).active == 1)
    assert scene.stats(ALPHA).connections == 1


async def test_backend_that_was_removed_while_no_lbproxy_ran_drains(scene: Scene) -> None:
    listen = free_address()
    await scene.apply(web(listen, ALPHA, BRAVO))
    scene.kernel.connect(listen, ALPHA)
    await scene.restart()
    await scene.apply(web(listen, BRAVO))
    assert scene.kernel.weights(listen) == {ALPHA: 0, BRAVO: 1}
    scene.kernel.finish(listen, ALPHA)
    scene.kernel.expire(listen, ALPHA)
    await scene.until(lambda: scene.kernel.weights(listen) == {BRAVO: 1})


async def test_service_that_was_removed_while_no_lbproxy_ran_is_removed_without_a_trace(scene: Scene) -> None:
    gone, listen = free_address(), free_address()
    await scene.apply(web(gone, ALPHA, name="gone"))
    await scene.restart()
    await scene.apply(web(listen, ALPHA))
    await scene.until(lambda: set(scene.kernel.services) == {listen})
    await scene.until(lambda: scene.machine.netfilter.ruleset.owned == {listen})


async def test_table_that_another_program_cleared_is_made_anew(scene: Scene) -> None:
    listen = free_address()
    await scene.apply(web(listen, ALPHA))
    scene.kernel.connect(listen, ALPHA, times=4)
    await scene.until(lambda: scene.stats(ALPHA).connections == 4)
    scene.kernel.clear()
    await scene.until(lambda: listen in scene.kernel.services)
    scene.kernel.connect(listen, ALPHA, times=2)
    await scene.until(lambda: scene.stats(ALPHA).connections == 6)


async def test_nftables_that_another_program_flushed_are_made_anew(scene: Scene) -> None:
    listen = free_address()
    await scene.apply(web(listen, ALPHA))
    scene.machine.netfilter.nft("flush ruleset")
    await scene.until(lambda: scene.machine.netfilter.ruleset == Ruleset(frozenset({listen})))


async def test_step_that_the_kernel_refuses_is_said_and_taken_again(scene: Scene) -> None:
    listen = free_address()
    scene.kernel.failures.extend([0, errno.ENOBUFS])
    with pytest.raises(DataplaneError, match="can't add the destination"):
        await scene.apply(web(listen, ALPHA, BRAVO))
    assert len(scene.kernel.weights(listen)) == 1
    await scene.until(lambda: len(scene.kernel.weights(listen)) == 2)


async def test_drift_is_told_once_and_its_end_too(scene: Scene) -> None:
    await scene.apply(web(free_address(), ALPHA))
    scene.kernel.dump_failures.extend([errno.ENOBUFS, errno.ENOBUFS])
    await scene.until(lambda: scene.drifts == ["can't read the IPVS services: No buffer space available", ""])


async def test_record_is_written_before_the_service_is_made(scene: Scene) -> None:
    listen = free_address()
    scene.machine.netfilter.failures.append(errno.EPERM)
    with pytest.raises(DataplaneError):
        await scene.apply(web(listen, ALPHA))
    assert not scene.kernel.services


async def test_scheduler_that_the_kernel_does_not_have_is_named(scene: Scene) -> None:
    with pytest.raises(DataplaneError, match="modprobe ip_vs_nq"):
        await scene.apply(web(free_address(), ALPHA, policy=Policy(scheduler=Scheduler.NQ)))


async def test_change_of_scheduler_keeps_service_and_connections(scene: Scene) -> None:
    listen = free_address()
    await scene.apply(web(listen, ALPHA))
    scene.kernel.connect(listen, ALPHA)
    await scene.apply(web(listen, ALPHA, policy=Policy(scheduler=Scheduler.RR)))
    assert scene.kernel.services[listen].scheduler == "rr"
    assert scene.kernel.services[listen].destinations[ALPHA].active == 1


async def test_sysctls_are_set(scene: Scene, machine: FakeMachine) -> None:
    await scene.apply(web(free_address(), ALPHA))
    for name in ("vs/conntrack", "vs/expire_nodest_conn", "vs/expire_quiescent_template", "ip_forward"):
        assert (machine.sysctls / "net/ipv4" / name).read_text().strip() == "1"
    assert (machine.sysctls / "net/ipv6/conf/all/forwarding").read_text().strip() == "0"


async def test_sysctl_that_cannot_be_set_is_an_error_that_says_what_grants_it(
        scene: Scene, machine: FakeMachine) -> None:
    file = machine.sysctls / "net/ipv4/vs/conntrack"
    file.unlink()
    file.symlink_to("/proc/version")  # nobody can write it, not even root
    with pytest.raises(DataplaneError, match=r"echo 1 >ipv4/vs/conntrack"):
        await scene.apply(web(free_address(), ALPHA))
    assert not scene.kernel.done


async def test_end_without_cleaning_leaves_the_kernel_as_it_is(scene: Scene) -> None:
    listen = free_address()
    await scene.apply(web(listen, ALPHA))
    scene.kernel.connect(listen, ALPHA)
    await scene.dataplane.drain(30.0)
    assert scene.kernel.weights(listen) == {ALPHA: 1}
    assert scene.machine.netfilter.ruleset.owned == {listen}


async def test_end_with_cleaning_waits_for_the_last_connection_and_removes_everything(scene: Scene) -> None:
    listen = free_address()
    await scene.restart(is_cleaning=True)
    await scene.apply(web(listen, ALPHA))
    scene.kernel.connect(listen, ALPHA)
    await scene.until(lambda: scene.stats(ALPHA).active == 1)
    await scene.dataplane.drain(0.3)
    assert not scene.kernel.services
    assert scene.machine.netfilter.ruleset == Ruleset()
    assert scene.dataplane.stats().services["web"].closed["shutdown"] == 1
    assert scene.stats(ALPHA).active == 0


async def test_marks_stand_for_services_and_stay_theirs_over_a_restart(scene: Scene) -> None:
    one, two = free_address(), free_address()
    await scene.restart(marks=MarkRange(16))
    await scene.apply(web(one, ALPHA), web(two, BRAVO, name="other"))
    first = {address: scene.machine.netfilter.ruleset.marking[address] for address in (one, two)}
    assert set(first.values()) == {16, 17}
    assert set(scene.kernel.services) == {Mark(socket.AF_INET, 16), Mark(socket.AF_INET, 17)}
    await scene.restart(marks=MarkRange(16))
    await scene.apply(web(two, BRAVO, name="other"), web(one, ALPHA))
    assert dict(scene.machine.netfilter.ruleset.marking) == first


async def test_way_of_addressing_changes_without_a_gap(scene: Scene) -> None:
    listen = free_address()
    await scene.apply(web(listen, ALPHA))
    scene.kernel.connect(listen, ALPHA)
    await scene.restart(marks=MarkRange(1))
    await scene.apply(web(listen, ALPHA))
    assert scene.kernel.weights(Mark(socket.AF_INET, 1)) == {ALPHA: 1}
    assert scene.kernel.weights(listen) == {ALPHA: 0}


async def test_service_whose_backends_are_not_known_yet_keeps_those_of_an_earlier_life(scene: Scene) -> None:
    listen = free_address()
    await scene.apply(web(listen, backend(ALPHA, 2), backend(BRAVO, 3)))
    scene.kernel.connect(listen, BRAVO)
    await scene.restart()
    await scene.apply(replace(web(listen), is_known=False))
    assert scene.kernel.weights(listen) == {ALPHA: 2, BRAVO: 3}
    await scene.apply(web(listen, ALPHA))
    assert scene.kernel.weights(listen) == {ALPHA: 1, BRAVO: 0}
    scene.kernel.finish(listen, BRAVO)
    scene.kernel.expire(listen, BRAVO)
    await scene.until(lambda: scene.kernel.weights(listen) == {ALPHA: 1})


@pytest.mark.parametrize(("idle", "seconds"), [((30.0, 90.5), 91), ((30.0, 0.0), 2_147_483), ((0.2,), 1)])
async def test_longest_idle_timeout_is_that_of_the_kernel(scene: Scene, idle: tuple[float, ...], seconds: int) -> None:
    services = [web(free_address(), ALPHA, name=f"web-{number}", policy=Policy(idle_timeout=timeout))
                for number, timeout in enumerate(idle)]
    await scene.apply(*services)
    assert scene.kernel.timeouts.tcp == seconds


async def test_wildcard_leaves_out_an_address_at_which_another_program_has_a_service(scene: Scene) -> None:
    listen = Address("0.0.0.0", free_address().port)
    theirs = Address("192.0.2.1", listen.port)
    scene.machine.foreign(theirs, Destination(FAR, 9))
    before = scene.kernel.services[theirs]
    with capture_logs() as logs:
        await scene.apply(web(listen, FAR))
        await scene.apply(web(listen, FAR))
    assert scene.kernel.services[theirs] == before
    assert scene.machine.netfilter.ruleset.owned == {Address("192.0.2.2", listen.port)}
    assert [line["event"] for line in logs].count("address skipped") == 1


async def test_service_that_another_program_makes_at_the_same_moment_stays_its_own(scene: Scene) -> None:
    listen = free_address()
    replace_tables = scene.machine.netfilter.replace

    async def make_first(ruleset: Ruleset) -> None:
        if listen not in scene.kernel.services:
            scene.machine.foreign(listen)
        await replace_tables(ruleset)

    scene.machine.netfilter.replace = make_first  # type: ignore[method-assign]  # the moment between look and step
    with pytest.raises(DataplaneError):
        await scene.apply(web(listen, ALPHA))
    with pytest.raises(BindError, match="another program has"):
        await scene.apply(web(listen, ALPHA))
