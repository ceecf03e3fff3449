"""Every dataplane that lbproxy has, the preferred one first. Whatever needs the list gets it by argument."""

from lbproxy.dataplanes.catalog import Dataplanes
from lbproxy.dataplanes.ipvs.kind import IPVS
from lbproxy.dataplanes.userspace.kind import USERSPACE

# IPVS first, as it moves no byte through a process; userspace last, as it needs nothing of the machine.
DATAPLANES = Dataplanes((IPVS, USERSPACE))
