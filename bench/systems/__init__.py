"""The load balancers the benchmark knows, each started from one file of this package."""

from bench.systems.envoy import Envoy
from bench.systems.haproxy import HAProxy
from bench.systems.lbproxy import LBProxy
from bench.systems.nginx import Nginx
from bench.systems.system import Setup, System

ALL: tuple[System, ...] = (LBProxy(), HAProxy(), Nginx(), Envoy())

__all__ = ["ALL", "Envoy", "HAProxy", "LBProxy", "Nginx", "Setup", "System"]
