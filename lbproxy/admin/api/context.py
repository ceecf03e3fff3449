"""All that the admin server needs of the running program."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from lbproxy.admin.api.operator_api import OperatorApi
from lbproxy.admin.api.program_status import ProgramStatus
from lbproxy.admin.guard import Guard
from lbproxy.model.event_log import EventLog


@dataclass(frozen=True, slots=True)
class AdminContext:
    """The running program as the admin server sees it. The admin server owns none of these parts."""

    status: ProgramStatus
    """Asked anew for every answer."""
    registry: CollectorRegistry
    """What `/metrics` exposes, beside services, backends and workers."""
    operator: OperatorApi
    """Gives the facts for `/explain`, and takes the orders of `/drain` and `/undrain`."""
    event_log: EventLog
    """What `/events` and the page show."""
    guard: Guard
    """Decides which requests are answered."""
