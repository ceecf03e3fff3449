"""All that the admin server needs of the program."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from lbproxy.admin.desk import Desk
from lbproxy.admin.guard import Guard
from lbproxy.admin.view import View
from lbproxy.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Office:
    """The program, from where an operator sits."""

    view: View
    registry: CollectorRegistry
    desk: Desk
    timeline: Timeline
    guard: Guard
