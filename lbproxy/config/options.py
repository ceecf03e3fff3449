"""Every option, once: its name, type, range, default and help text all come from the field here.

`connect_timeout` is `--connect-timeout`, `LBPROXY_CONNECT_TIMEOUT` and the key `connect-timeout` of the file. Durations
are seconds. A field's docstring is its text in `lbproxy run --help` and in the reference: what it does, then why.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

from lbproxy.config.address_kinds import AdminAddresses, ServerAddresses
from lbproxy.config.cpus import usable_cpus
from lbproxy.config.fwmark import Fwmark, Marks
from lbproxy.config.option_kinds import Boolean, Choice, Duration, Integer, OptionKind, Text, Workers
from lbproxy.model.address import Address
from lbproxy.model.snapshot import Scheduler
from lbproxy.net.unix_path import AdminAddress

MINUTE, HOUR = 60.0, 3600.0
SHORTEST = 0.001
"""Seconds: durations are written down to a millisecond."""
_PATH = r"[^\x00]{1,4096}"
_HOST = r"[A-Za-z0-9_]([-A-Za-z0-9_.]{0,251}[A-Za-z0-9_])?"
_HOSTS = rf"{_HOST}(,{_HOST}){{0,31}}"


class LogLevel(StrEnum):
    """The lowest level of the messages that are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """The format of the log's lines."""

    AUTO = "auto"
    TEXT = "text"
    JSON = "json"


class Options(BaseModel):
    """Base of every group: immutable. An unknown name is refused, because a misspelled option must not be ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
    title: ClassVar[str] = ""
    """Of a group: the heading above its options in help. Not its docstring, which PYTHONOPTIMIZE=2 removes."""


class ProcessOptions(Options):
    """Process."""

    title = "Process"

    dataplane: Annotated[str, Text("[a-z][a-z0-9-]{0,30}", "is not the name of a dataplane; see lbproxy run --help",
                                   "NAME")] = "userspace"
    """What carries the connections."""

    # From the cgroup and not the machine: see `cpus`.
    workers: Annotated[int, Workers(1, 256)] = Field(default_factory=usable_cpus)
    """Worker processes. auto: one for each CPU that this process may use, by affinity and cgroup quota."""

    # On the loopback: addresses and counters of backends are visible to other machines only if the user wants it.
    admin: Annotated[tuple[AdminAddress, ...], AdminAddresses()] = (Address("127.0.0.1", 9180),)
    """Serve page, metrics, health and state here: on an address, a Unix socket, or both. off: nowhere."""

    admin_token_file: Annotated[
        str, Text(_PATH, "is not a path; write the path of a file with a token", "FILE")] = ""
    """A file with a secret. Clients that send it may drain backends. Without it, only those of the Unix socket may."""

    admin_hosts: Annotated[
        str, Text(_HOSTS, "is not a list of host names; write some such as lb.example.com,lbproxy", "NAMES")] = ""
    """Host names under which browsers and scrapers may reach the admin server, besides its IP address and localhost."""

    # Nodes and other balancers learn late that a pod ends (kubernetes#43576), and send clients meanwhile.
    shutdown_delay: Annotated[float, Duration(0, HOUR)] = 5.0
    """Keep accepting this long after SIGTERM, until traffic stops arriving."""


class KubernetesOptions(Options):
    """Kubernetes."""

    title = "Kubernetes"

    kubeconfig: Annotated[str, Text(_PATH, "is not a path; write the path of a kubeconfig file", "FILE")] = ""
    """A file with API server and credentials. Default: the pod's account, else KUBECONFIG, else ~/.kube/config."""

    context: Annotated[
        str, Text(r"[^\x00-\x1f]{1,253}", "is not a name; write a context of the kubeconfig", "NAME")] = ""
    """The context of the kubeconfig to use. Default: its current context."""

    zone: Annotated[str, Text("[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?",
                              "is not a zone; write a value of the label topology.kubernetes.io/zone", "NAME")] = ""
    """Prefer endpoints with hints for this zone (trafficDistribution). Default: all endpoints are equal."""

    # Short beside the rest: from a pod that is ready to its first connection it takes 118 ms at the median.
    coalesce: Annotated[float, Duration(0, MINUTE)] = 0.05
    """Collect changes of endpoints this long and apply them together, because a rollout makes many small ones."""


class DnsOptions(Options):
    """DNS."""

    title = "DNS"

    dns_interval: Annotated[float, Duration(0, HOUR)] = 0.0
    """Time between two lookups of a backend's name, at least 100ms. 0: by the TTL of its records, 1 s to 5 minutes."""

    dns_server: Annotated[tuple[Address, ...], ServerAddresses()] = ()
    """Ask this DNS server, not those in /etc/resolv.conf. The search list of that file is used all the same."""


class IpvsOptions(Options):
    """IPVS."""

    title = "IPVS"

    # By mark each new connection costs 9 % more (`bench ipvs`).
    ipvs_fwmark: Annotated[Marks | None, Fwmark()] = None
    """Serve by firewall mark: one mark per service, from N up, within MASK. off: by address, which is faster."""

    cleanup: Annotated[bool, Boolean()] = False
    """At the end, drain and remove all kernel state. Without it, traffic continues and the next start takes it over."""


class LogOptions(Options):
    """Logging."""

    title = "Logging"

    log_level: Annotated[LogLevel, Choice(LogLevel)] = LogLevel.INFO
    """Log messages of this level and above."""

    log_format: Annotated[LogFormat, Choice(LogFormat)] = LogFormat.AUTO
    """Format of log lines. auto: text on a terminal, else json."""


class BalancingOptions(Options):
    """Balancing."""

    title = "Balancing"

    # By weight, so that no weight is ignored unasked; with equal weights it chooses as lc does. With 1,000 backends
    # a new connection costs 1.05 times the CPU that it costs with 2, with lc 1.01 times (bench/RESULTS.md).
    scheduler: Annotated[Scheduler, Choice(Scheduler)] = Scheduler.WLC
    """Choose the backend with the fewest connections per weight (wlc), or in turn by weight (wrr). lc, rr: the same
    without weights."""

    # Off: IPVS's u_thresh counts ended connections too, for up to 120 s, so that any default would reject clients.
    max_conns: Annotated[int, Integer(0, 1_000_000)] = 0
    """Most connections of each backend, over all workers: what it can handle. 0: no limit."""

    queue: Annotated[int, Integer(0, 1_000_000)] = 1024
    """Clients that may wait, per worker, while all backends have max-conns. Further ones are refused at once."""

    queue_timeout: Annotated[float, Duration(SHORTEST, HOUR)] = 5.0
    """A client waits at most this long for a backend below max-conns. Then it is refused."""


class ConnectionOptions(Options):
    """Connections."""

    title = "Connections"

    # More than the second after which a lost SYN is sent again (RFC 6298), so that one loss is no failure.
    connect_timeout: Annotated[float, Duration(SHORTEST, 10 * MINUTE)] = 2.0
    """A backend that doesn't accept within this time has failed, and another one is tried."""

    # In a rollout a pod is gone before its endpoint is (kubernetes#43576): without a retry the client sees it.
    connect_retries: Annotated[int, Integer(0, 100)] = 2
    """Other backends to try when one can't be reached. Only before the first byte, so nothing is sent twice."""

    # An explicit reset, counted: what forgets a connection in silence leaves both peers hanging (moby#31208).
    idle_timeout: Annotated[float, Duration(0, 720 * HOUR)] = HOUR
    """Reset a connection that moved no byte for this long, because its peers may be gone. 0: never."""

    # A peer that is gone would otherwise keep the connection until the idle timeout.
    half_close_timeout: Annotated[float, Duration(SHORTEST, 24 * HOUR)] = MINUTE
    """When one side has ended its stream, the other may continue this long."""

    # Twice a pod's default grace period, so that the pod decides when its connections end.
    drain_timeout: Annotated[float, Duration(0, 24 * HOUR)] = MINUTE
    """When a backend is removed, or lbproxy stops, connections may continue this long. Then they are reset."""


class HealthOptions(Options):
    """Health checks."""

    title = "Health checks"

    # With 2 s and 2 failures a dead host is out of use after 6 to 8 s; Kubernetes needs 40 s (kubernetes#101101).
    health_interval: Annotated[float, Duration(0, HOUR)] = 2.0
    """Time between two checks of a backend. A check is a TCP connect. The interval is longer if all backends together
    would need more than 500 checks a second. 0: no checks."""

    health_timeout: Annotated[float, Duration(SHORTEST, 10 * MINUTE)] = 2.0
    """A check that doesn't connect within this time has failed."""

    health_rise: Annotated[int, Integer(1, 100)] = 2
    """Checks in a row that must pass before a failed backend is used again."""

    health_fall: Annotated[int, Integer(1, 100)] = 2
    """Checks in a row that must fail before a backend is no longer used. A single failure may be chance."""


class ServiceOptions(HealthOptions, ConnectionOptions, BalancingOptions):
    """Options that each service may set for itself. At the top of the file they are the default of all services."""


GROUPS = (BalancingOptions, ConnectionOptions, HealthOptions, KubernetesOptions, DnsOptions, ProcessOptions,
          IpvsOptions, LogOptions)
OPTIONS: Mapping[str, FieldInfo] = {
    name: field for group in GROUPS for name, field in group.model_fields.items()}


def kind_of(field: FieldInfo) -> OptionKind[Any]:
    """Return the kind that reads and writes this field's values."""
    return next(mark for mark in field.metadata if isinstance(mark, OptionKind))
