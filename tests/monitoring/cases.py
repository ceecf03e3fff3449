"""For each alert what makes it fire, and what is nearly that but must not.

Values are promtool's: a sample a minute, `0+30x60` grows by 30 each.
"""

from collections.abc import Mapping
from dataclasses import dataclass

Series = Mapping[str, str]
"""From a series, without `job` and `instance`, to its values."""


@dataclass(frozen=True)
class Case:
    """`fires` has the alert firing at minute `at`; neither has it before `not_before`, nor has `calm` ever."""

    fires: Series
    calm: Series
    at: int
    not_before: int
    labels: Mapping[str, str]


WEB = {"service": "web"}
ACCEPTED = 'lbproxy_connections_accepted_total{service="web"}'
NO_BACKEND = 'lbproxy_connections_rejected_total{service="web", reason="no_backend"}'
CLIENT_GONE = 'lbproxy_connections_rejected_total{service="web", reason="client_gone"}'
FINISHED = 'lbproxy_connections_closed_total{service="web", reason="finished"}'
BROKEN = 'lbproxy_connections_closed_total{service="web", reason="backend_reset"}'
ACTIVE = 'lbproxy_backend_connections_active{service="web", backend="192.0.2.1:80"}'
DRAINING = 'lbproxy_backend_state{service="web", backend="192.0.2.1:80", state="draining"}'
PORTS = 'lbproxy_backend_connect_failures_total{service="web", backend="192.0.2.1:80", reason="ports"}'
PODS = {"service": "web", "resource": "endpointslices"}
WORKER = {"worker": "1"}
BACKEND = {"backend": "192.0.2.1:80"}


def state(number: int, state: str) -> str:
    """The state of one of the backends."""
    return f'lbproxy_backend_state{{service="web", backend="192.0.2.{number}:80", state="{state}"}}'


def connects(name: str, fast: int, slow: int) -> Series:
    """A histogram, of so many a minute within 50 ms and so many more within 10 s."""
    return {f'{name}_bucket{{{labels}le="{bound}"}}': f"0+{count}x60"
            for labels in ('service="web", ' if "connect" in name else "",)
            for bound, count in (("0.05", fast), ("10.0", fast + slow), ("+Inf", fast + slow))}


CASES: Mapping[str, Case] = {
    "LbproxyNoUsableBackend": Case(
        {'lbproxy_usable_backends{service="web"}': "2 2 0x60"},
        {'lbproxy_usable_backends{service="web"}': "1 0 1x60"}, at=5, not_before=2, labels=WEB),
    "LbproxyRejectingMany": Case(
        {ACCEPTED: "0+100x60", NO_BACKEND: "0+11x60"},
        {ACCEPTED: "0+100x60", NO_BACKEND: "0+10x60", CLIENT_GONE: "0+50x60"}, at=5, not_before=2, labels=WEB),
    "LbproxyRejecting": Case(
        {ACCEPTED: "0+100x60", NO_BACKEND: "0+2x60"},
        {ACCEPTED: "0+100x60", NO_BACKEND: "0+1x60", CLIENT_GONE: "0+50x60"}, at=15, not_before=9, labels=WEB),
    "LbproxyClientsQueueing": Case(
        {'lbproxy_queue_length{service="web"}': "3x60"},
        {'lbproxy_queue_length{service="web"}': "3 3 3 0 3 3 3 0 3 3 3 0x60"}, at=10, not_before=4, labels=WEB),
    "LbproxyHealthPanic": Case(
        {'lbproxy_health_panic{service="web"}': "0 1x60"},
        {'lbproxy_health_panic{service="web"}': "0 1 0x60"}, at=5, not_before=1, labels=WEB),
    "LbproxyManyBackendsDown": Case(
        {state(1, "down"): "1x60", state(2, "down"): "0x60", state(3, "down"): "0x60",
         state(1, "active"): "0x60", state(2, "active"): "1x60", state(3, "active"): "1x60"},
        {state(1, "down"): "1x60", state(2, "down"): "0x60", state(3, "down"): "0x60", state(4, "down"): "0x60",
         state(1, "active"): "0x60", state(2, "active"): "1x60", state(3, "active"): "1x60",
         state(4, "active"): "1x60", state(5, "down"): "0x60", state(5, "active"): "0x60",
         state(5, "removed"): "1x60"}, at=10, not_before=4, labels=WEB),
    "LbproxyBackendsEjected": Case(
        {'lbproxy_ejections_total{service="web"}': "0+1x60"},
        {'lbproxy_ejections_total{service="web"}': "0 1 2 2x60"}, at=15, not_before=1, labels=WEB),
    "LbproxyRetriesRising": Case(
        {ACCEPTED: "0+100x60", 'lbproxy_backend_retries_total{service="web", backend="192.0.2.1:80"}': "0+6x60"},
        {ACCEPTED: "0+100x60", 'lbproxy_backend_retries_total{service="web", backend="192.0.2.1:80"}': "0+5x60"},
        at=15, not_before=9, labels=WEB),
    "LbproxyConnectionsBroken": Case(
        {FINISHED: "0+90x60", BROKEN: "0+10x60"},
        {FINISHED: "0+95x60", BROKEN: "0+5x60"}, at=15, not_before=9, labels=WEB),
    "LbproxyConnectsSlow": Case(
        connects("lbproxy_connect_duration_seconds", 90, 10), connects("lbproxy_connect_duration_seconds", 100, 0),
        at=15, not_before=9, labels=WEB),
    "LbproxyDrainingStuck": Case(
        {ACTIVE: "2x60", DRAINING: "1x60"}, {ACTIVE: "2x20 0x60", DRAINING: "1x60"},
        at=35, not_before=29, labels={**WEB, **BACKEND}),
    "LbproxyChecksStretched": Case(
        {"lbproxy_health_interval_factor": "3x60"}, {"lbproxy_health_interval_factor": "2x60"},
        at=20, not_before=14, labels={}),
    "LbproxyDown": Case({"up": "1 0x60"}, {"up": "1 0 1x60"}, at=5, not_before=2, labels={}),
    "LbproxyAbsent": Case({"up": "1x60"}, {"lbproxy_build_info": "1x60"}, at=10, not_before=4, labels={}),
    "LbproxyNotInSync": Case(
        {"lbproxy_in_sync": "1 0x60"}, {"lbproxy_in_sync": "1 0 1x60"}, at=5, not_before=1, labels={}),
    "LbproxyConfigRefused": Case(
        {"lbproxy_config_last_reload_successful": "1 0x60"}, {"lbproxy_config_last_reload_successful": "1 0 1x60"},
        at=5, not_before=1, labels={}),
    "LbproxyWatchDown": Case(
        {'lbproxy_watch_up{service="web", resource="endpointslices"}': "1 0x60"},
        {'lbproxy_watch_up{service="web", resource="endpointslices"}': "1 0 0 0 1x60"},
        at=10, not_before=5, labels=PODS),
    "LbproxyWatchStale": Case(
        {'lbproxy_watch_last_event_age_seconds{service="web", resource="endpointslices"}': "0+60x60"},
        {'lbproxy_watch_last_event_age_seconds{service="web", resource="endpointslices"}': "600x60"},
        at=15, not_before=11, labels=PODS),
    "LbproxyNameUnresolved": Case(
        {'lbproxy_dns_up{name="db.internal"}': "1 0x60"}, {'lbproxy_dns_up{name="db.internal"}': "1 0 0 0 1x60"},
        at=10, not_before=5, labels={"name": "db.internal"}),
    "LbproxyFollowsSlowly": Case(
        connects("lbproxy_network_programming_seconds", 90, 10),
        connects("lbproxy_network_programming_seconds", 100, 0), at=20, not_before=14, labels={}),
    "LbproxyOrdersRefused": Case(
        {'lbproxy_admin_requests_refused_total{reason="token"}': "0+1x60"},
        {'lbproxy_admin_requests_refused_total{reason="token"}': "0 9x60",
         'lbproxy_admin_requests_refused_total{reason="read_only"}': "0+1x60"},
        at=20, not_before=5, labels={"reason": "token"}),
    "LbproxyWorkerRestarted": Case(
        {"lbproxy_worker_restarts_total": "0 0 1x60"}, {"lbproxy_worker_restarts_total": "4x60"},
        at=5, not_before=1, labels={}),
    "LbproxyWorkerSilent": Case(
        {'lbproxy_worker_up{worker="1"}': "1 0x60"}, {'lbproxy_worker_up{worker="1"}': "1 0 1x60"},
        at=5, not_before=1, labels=WORKER),
    "LbproxyWorkerBusy": Case(
        {'lbproxy_worker_cpu_seconds_total{worker="1"}': "0+57x60"},
        {'lbproxy_worker_cpu_seconds_total{worker="1"}': "0+54x60"}, at=20, not_before=13, labels=WORKER),
    "LbproxyDescriptorsNearLimit": Case(
        {'lbproxy_worker_descriptors{worker="1"}': "81x60", 'lbproxy_worker_descriptor_limit{worker="1"}': "100x60"},
        {'lbproxy_worker_descriptors{worker="1"}': "80x60", 'lbproxy_worker_descriptor_limit{worker="1"}': "100x60",
         'lbproxy_worker_descriptors{worker="2"}': "0x60", 'lbproxy_worker_descriptor_limit{worker="2"}': "0x60"},
        at=10, not_before=4, labels=WORKER),
    "LbproxyAcceptPaused": Case(
        {'lbproxy_accept_paused{worker="1"}': "0x60", 'lbproxy_accept_pauses_total{worker="1"}': "0 0 1x60"},
        {'lbproxy_accept_paused{worker="1"}': "0x60", 'lbproxy_accept_pauses_total{worker="1"}': "3x60"},
        at=4, not_before=1, labels=WORKER),
    "LbproxySourcePortsNearLimit": Case(
        {ACTIVE: "15000x60", ACTIVE.replace("web", "api"): "7700x60", "lbproxy_source_ports": "28232x60"},
        {ACTIVE: "30000x60", "lbproxy_source_ports": "28232x60",
         'lbproxy_dataplane_info{requested="auto", active="ipvs", reason="it works"}': "1x60"},
        at=10, not_before=4, labels=BACKEND),
    "LbproxySourcePortsExhausted": Case(
        {PORTS: "_ _ 1x60"}, {PORTS.replace("ports", "refused"): "_ _ 1x60"},
        at=4, not_before=1, labels={**WEB, **BACKEND}),
}
