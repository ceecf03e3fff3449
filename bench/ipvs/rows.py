"""Who competes: the reference is IPVS by hand; each variant of it changes one thing that may matter."""

from bench.paper.lineup import IPTABLES, IPVS, NFTABLES, OWN_IPVS
from bench.paper.row import Row
from bench.systems import HAProxy, Ipvs, LBProxy, Nginx

REFERENCE = IPVS.label
ROWS = (
    IPVS, OWN_IPVS,
    Row("lbproxy ipvs rr", OWN_IPVS.system, scheduler="rr"),
    Row("lbproxy ipvs by mark", LBProxy("lbproxy ipvs by mark", dataplane="ipvs", options=("ipvs-fwmark: 1",))),
    Row("ipvs rr", Ipvs(), scheduler="rr"),
    IPTABLES, NFTABLES,
    Row("nginx stream", Nginx()), Row("haproxy", HAProxy()), Row("lbproxy userspace", LBProxy()),
)
