"""All that IPVS needs of a machine, judged."""

import socket
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from lbproxy.config import Config
from lbproxy.dataplanes.conntrack import conntrack
from lbproxy.dataplanes.ipvs.kernel import sysctls
from lbproxy.dataplanes.ipvs.preflight import kernel_findings
from lbproxy.dataplanes.ipvs.preflight.kernel_answers import KernelAnswers, ask
from lbproxy.dataplanes.ipvs.preflight.privileges import net_admin, user_namespace
from lbproxy.dataplanes.ipvs.preflight.reuse_mode import reuse_mode
from lbproxy.dataplanes.ipvs.preflight.settings import judge_settings
from lbproxy.dataplanes.ipvs.reconciler import Machine
from lbproxy.model.finding import Finding
from lbproxy.net.capabilities import capabilities
from lbproxy.net.system import System


async def findings(config: Config, system: System, machine: Machine) -> list[Finding]:
    """Ask and read all that IPVS needs for this configuration, and judge it. Changes nothing."""
    # The kernel is asked first, because the answers also load modules, and with them the sysctls that are judged.
    return [*judged(_families(config), system, await ask(machine, _schedulers(config)))]


def judged(families: AbstractSet[socket.AddressFamily], system: System, answers: KernelAnswers) -> Iterator[Finding]:
    """Judge what only IPVS needs for listening on these families, in the order in which one would mend it."""
    yield net_admin(capabilities(system))
    yield user_namespace(system, answers.ipvs)
    yield from kernel_findings.judged(answers)
    settings = sysctls.needed(ipv4=socket.AF_INET in families, ipv6=socket.AF_INET6 in families)
    yield from judge_settings(system, settings, has_ipvs=answers.ipvs == 0)
    yield conntrack(system, is_needed=True)
    yield reuse_mode(system)


def _families(config: Config) -> AbstractSet[socket.AddressFamily]:
    """Give those that services listen on; without a service IPv4, which most will have."""
    return {listen.family for service in config.services for listen in service.listen} or {socket.AF_INET}


def _schedulers(config: Config) -> list[str]:
    """Give those that are wanted; without a service, the one that a service would have."""
    policies = [spec.policy for spec in config.specs().values()]
    return list(dict.fromkeys(str(policy.scheduler) for policy in policies)) or [str(config.scheduler)]
