"""The probes of the manifests against the times in which lbproxy itself notices and repairs."""

from lbproxy.admin.api.program_status import HEARTBEAT_LIMIT, NOT_HEALTHY_AFTER
from lbproxy.dataplanes.userspace.main.supervisor import HEARTBEAT_CHECK, HUNG_AFTER, REPAIRED_WITHIN
from lbproxy.text.units import parse_duration
from tests.support.rendering import Manifest, container

from .test_configuration import configured


def _patience(manifests: list[Manifest], probe: str) -> float:
    """Seconds from the first failing answer to the last that the kubelet waits for, at least."""
    given = container(manifests, "lbproxy")[probe]
    return float(given.get("periodSeconds", 10) * (given.get("failureThreshold", 3) - 1))


def test_a_worker_that_hangs_is_replaced_before_the_process_counts_as_unhealthy() -> None:
    assert REPAIRED_WITHIN >= HEARTBEAT_CHECK + HUNG_AFTER
    assert NOT_HEALTHY_AFTER > REPAIRED_WITHIN


def test_the_kubelet_restarts_no_pod_that_repairs_itself(balancer: list[Manifest]) -> None:
    assert NOT_HEALTHY_AFTER + _patience(balancer, "livenessProbe") > REPAIRED_WITHIN + HEARTBEAT_CHECK


def test_a_main_process_that_does_not_answer_for_some_seconds_is_not_restarted(balancer: list[Manifest]) -> None:
    probe = container(balancer, "lbproxy")["livenessProbe"]
    assert _patience(balancer, "livenessProbe") + probe["timeoutSeconds"] >= 2 * HEARTBEAT_CHECK
    assert probe["timeoutSeconds"] >= 2, "a busy node answers late"


def test_a_pod_in_which_no_worker_accepts_leaves_before_its_worker_is_replaced(balancer: list[Manifest]) -> None:
    probe = container(balancer, "lbproxy")["readinessProbe"]
    assert HEARTBEAT_LIMIT + probe["periodSeconds"] * probe["failureThreshold"] + probe["timeoutSeconds"] < HUNG_AFTER


def test_clients_are_accepted_until_the_kubelet_has_seen_that_the_pod_leaves(balancer: list[Manifest]) -> None:
    probe = container(balancer, "lbproxy")["readinessProbe"]
    noticed = probe["periodSeconds"] * probe["failureThreshold"]
    assert noticed <= parse_duration(configured(balancer)["shutdown-delay"])
