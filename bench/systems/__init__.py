"""The load balancers the benchmarks know, one file of this package each."""

from bench.systems.direct import Direct
from bench.systems.envoy import Envoy
from bench.systems.haproxy import HAProxy
from bench.systems.iptables import Iptables
from bench.systems.ipvs import Ipvs
from bench.systems.lbproxy import LBProxy
from bench.systems.nftables import Nftables
from bench.systems.nginx import Nginx
from bench.systems.nginx_http import NginxHTTP
from bench.systems.system import Setup, System

ALL: tuple[System, ...] = (LBProxy(), HAProxy(), Nginx(), Envoy())
"""TCP relays in user space: they run on any machine."""
LAB: tuple[System, ...] = (
    *ALL, LBProxy("lbproxy ipvs", dataplane="ipvs"), Ipvs(), Iptables(), Nftables(), NginxHTTP(),
    NginxHTTP("nginx http keep-alive", keeps_connections=True), Direct(),
)
"""Those that the lab compares: also the kernel's, HTTP proxies, and no balancer at all. They need the lab's network."""

__all__ = ["ALL", "LAB", "Direct", "Envoy", "HAProxy", "Iptables", "Ipvs", "LBProxy", "Nftables", "Nginx", "NginxHTTP",
           "Setup", "System"]
