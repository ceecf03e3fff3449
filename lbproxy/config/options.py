"""Every option, once: its name, type, range, default and help text all come from the field here.

`connect_timeout` is `--connect-timeout`, `LBPROXY_CONNECT_TIMEOUT` and the key `connect-timeout` of the
file. Durations are seconds. A field's docstring says its unit and its reason.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

from lbproxy.config.address_kinds import AdminAddresses
from lbproxy.config.cpus import usable_cpus
from lbproxy.config.fwmark import Fwmark, Marks
from lbproxy.config.option_kinds import Boolean, Choice, Duration, Integer, OptionKind, Text, Workers
from lbproxy.model.address import Address
from lbproxy.model.snapshot import Scheduler
from lbproxy.net.unix_path import AdminAddress

MINUTE, HOUR = 60.0, 3600.0
SHORTEST = 0.001
_HOST = r"[A-Za-z0-9_]([-A-Za-z0-9_.]{0,251}[A-Za-z0-9_])?"
_HOSTS = rf"{_HOST}(,{_HOST}){{0,31}}"


class LogLevel(StrEnum):
    """The least important messages that are still written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How a log line looks."""

    AUTO = "auto"
    TEXT = "text"
    JSON = "json"


class Options(BaseModel):
    """Base of every group: immutable, and nothing that it doesn't know."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ProcessOptions(Options):
    """Process."""

    dataplane: Annotated[str, Text("[a-z][a-z0-9-]{0,30}", "is no name of a dataplane; see lbproxy run --help",
                                   "NAME")] = "userspace"
    """What moves the bytes."""

    workers: Annotated[int, Workers(1, 256)] = Field(default_factory=usable_cpus)
    """Processes that move bytes; auto: one per CPU this process may use, by affinity and cgroup quota."""

    admin: Annotated[tuple[AdminAddress, ...], AdminAddresses()] = (Address("127.0.0.1", 9180),)
    """Where page, metrics, health and state are served: an address, a Unix socket, or both. off: nowhere."""

    admin_token_file: Annotated[str, Text(r"[^\x00]{1,4096}", "is no path; write one of a file with a token",
                                          "FILE")] = ""
    """A secret in a file: who sends it may drain by --admin. Without, only the Unix socket takes orders."""

    admin_hosts: Annotated[str, Text(_HOSTS, "is no list of names; write such as lb.example.com,lbproxy", "NAMES")] = ""
    """Names by which browsers and scrapers may call the admin server, besides its IP address and localhost."""

    shutdown_delay: Annotated[float, Duration(0, HOUR)] = 5.0
    """After SIGTERM, go on accepting for so long, as others learn late that we leave."""


class KubernetesOptions(Options):
    """Kubernetes."""

    kubeconfig: Annotated[str, Text(r"[^\x00]{1,4096}", "is no path; write that of a kubeconfig file", "FILE")] = ""
    """Where the API server is, and who we are. Default: the pod's account, else KUBECONFIG, else ~/.kube/config."""

    context: Annotated[str, Text(r"[^\x00-\x1f]{1,253}", "is no name; write a context of the kubeconfig", "NAME")] = ""
    """Which context of the kubeconfig to use; without it, its current one."""

    zone: Annotated[str, Text("[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?",
                              "is no zone; write a value of the label topology.kubernetes.io/zone", "NAME")] = ""
    """Heed the hints for this zone (trafficDistribution); without it, every endpoint is alike."""

    coalesce: Annotated[float, Duration(0, MINUTE)] = 0.05
    """Gather changes of endpoints for so long and apply them as one: a rollout comes in many small ones."""


class IpvsOptions(Options):
    """IPVS."""

    ipvs_fwmark: Annotated[Marks | None, Fwmark()] = None
    """Serve by firewall mark: one mark per service, N and up, within MASK. off: by address, which is faster."""

    cleanup: Annotated[bool, Boolean()] = False
    """At the end, drain and remove what is in the kernel. Without it, traffic goes on and the next start takes over."""


class LogOptions(Options):
    """Logging."""

    log_level: Annotated[LogLevel, Choice(LogLevel)] = LogLevel.INFO
    """Write messages of this importance and above."""

    log_format: Annotated[LogFormat, Choice(LogFormat)] = LogFormat.AUTO
    """Lines for people or for programs; auto: text on a terminal, else json."""


class BalancingOptions(Options):
    """Balancing."""

    scheduler: Annotated[Scheduler, Choice(Scheduler)] = Scheduler.LC
    """The backend with the fewest connections (lc), or in turn (rr); wlc, wrr mind weights. sh to nq: IPVS only."""

    max_conns: Annotated[int, Integer(0, 1_000_000)] = 0
    """Connections that each backend may have, over all workers; what it can take. 0: no limit."""

    queue: Annotated[int, Integer(0, 1_000_000)] = 1024
    """Clients that may wait, per worker, while all backends have max-conns; more are refused at once."""

    queue_timeout: Annotated[float, Duration(SHORTEST, HOUR)] = 5.0
    """A client waits so long for a backend below max-conns, then is refused."""


class ConnectionOptions(Options):
    """Connections."""

    connect_timeout: Annotated[float, Duration(SHORTEST, 10 * MINUTE)] = 2.0
    """A backend that doesn't accept within this time has failed; another one is tried."""

    connect_retries: Annotated[int, Integer(0, 100)] = 2
    """Other backends to try when one can't be reached; before the first byte, so nothing is sent twice."""

    idle_timeout: Annotated[float, Duration(0, 720 * HOUR)] = HOUR
    """Reset a connection that moved no byte for so long: its peers may be gone. 0: never."""

    half_close_timeout: Annotated[float, Duration(SHORTEST, 24 * HOUR)] = MINUTE
    """When one side has ended its stream, the other may go on for so long."""

    drain_timeout: Annotated[float, Duration(0, 24 * HOUR)] = MINUTE
    """When a backend is taken away, or we stop, connections may go on for so long before they are reset."""


class HealthOptions(Options):
    """Health checks."""

    health_interval: Annotated[float, Duration(0, HOUR)] = 2.0
    """Time between two checks of a backend, each a TCP connect; longer if all backends together would need more than
    500 checks a second. 0: no checks."""

    health_timeout: Annotated[float, Duration(SHORTEST, 10 * MINUTE)] = 2.0
    """A check that doesn't connect within this time has failed."""

    health_rise: Annotated[int, Integer(1, 100)] = 2
    """Checks in a row that must pass before a failed backend is used again."""

    health_fall: Annotated[int, Integer(1, 100)] = 2
    """Checks in a row that must fail before a backend is no longer used; one alone may be bad luck."""


class ServiceOptions(HealthOptions, ConnectionOptions, BalancingOptions):
    """What each service may set for itself; set at the top, it is the default of all services."""


GROUPS = (BalancingOptions, ConnectionOptions, HealthOptions, KubernetesOptions, ProcessOptions, IpvsOptions,
          LogOptions)
OPTIONS: Mapping[str, FieldInfo] = {
    name: field for group in GROUPS for name, field in group.model_fields.items()}


def kind_of(field: FieldInfo) -> OptionKind[Any]:
    """Give what reads and writes this field's values."""
    return next(mark for mark in field.metadata if isinstance(mark, OptionKind))
