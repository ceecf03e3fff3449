"""All that the admin server needs of the program."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from lbproxy.admin.api.operator_api import OperatorApi
from lbproxy.admin.api.program_status import ProgramStatus
from lbproxy.admin.guard import Guard
from lbproxy.model.event_log import EventLog


@dataclass(frozen=True, slots=True)
class AdminContext:
    """The program, from where an operator sits."""

    status: ProgramStatus
    registry: CollectorRegistry
    operator: OperatorApi
    event_log: EventLog
    guard: Guard
