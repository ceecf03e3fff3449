"""Who competes where."""

from collections.abc import Iterable

from bench.errors import NotInstalledError
from bench.paper.row import Row
from bench.systems import Direct, Envoy, HAProxy, Iptables, Ipvs, LBProxy, Nftables, Nginx, NginxHTTP

OWN = Row("lbproxy", LBProxy(), workers=None)
OWN_IPVS = Row("lbproxy ipvs", LBProxy("lbproxy ipvs", dataplane="ipvs"))
IPVS, IPTABLES, NFTABLES = Row("ipvs", Ipvs()), Row("iptables", Iptables()), Row("nftables", Nftables())
NGINX_HTTP = Row("nginx http", NginxHTTP(), workers=None)
DIRECT = Row("direct", Direct())
EVERYONE = (
    Row("lbproxy 1 worker", LBProxy()), OWN, OWN_IPVS, IPVS, IPTABLES, NFTABLES, NGINX_HTTP,
    Row("nginx http keep-alive", NginxHTTP("nginx http keep-alive", keeps_connections=True), workers=None),
    Row("nginx stream", Nginx(), workers=None), Row("haproxy", HAProxy(), workers=None),
    Row("envoy", Envoy(), workers=None), DIRECT,
)
"""Figure 14: each as many workers as the node has CPUs."""
SINGLE = tuple(
    Row(row.label, row.system) for row in EVERYONE if row is not OWN and row is not DIRECT
)
"""One worker or thread each, for what an operation costs."""
PORTABLE = (IPVS, OWN_IPVS, OWN)
"""Figure 11: the balancer that the paper proposes, and ours where the kernel can't be touched."""
LATENCY = (OWN, OWN_IPVS, IPVS, IPTABLES, NFTABLES, NGINX_HTTP, Row("haproxy", HAProxy(), workers=None))
CHOOSING = (
    Row("lbproxy lc", LBProxy(), scheduler="lc"), Row("lbproxy wlc", LBProxy(), scheduler="wlc"),
    Row("lbproxy rr", LBProxy(), scheduler="rr"), Row("lbproxy ipvs lc", OWN_IPVS.system, scheduler="lc"),
    Row("ipvs lc", Ipvs(), scheduler="lc"),
    Row("ipvs rr", Ipvs(), scheduler="rr"), Row("haproxy leastconn", HAProxy()),
    Row("haproxy roundrobin", HAProxy(), scheduler="rr"), Row("envoy least_request", Envoy()),
)


def installed(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Return those of `rows` that can run here."""
    return tuple(row for row in rows if missing(row) is None)


def missing(row: Row) -> str | None:
    """Return why `row` can't run here; None when it can."""
    try:
        row.system.version()
    except NotInstalledError as error:
        return str(error)
    return None
