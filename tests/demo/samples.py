from lbproxy.admin.schema import BackendShape, ProgramShape, StateShape
from lbproxy.demo.frame import DemoEvent, DemoRow, Frame
from lbproxy.model.address import Address

PROGRAM: ProgramShape = {"version": "1", "dataplane": "userspace", "pid": 1, "uptime_seconds": 1.0, "not_ready": None,
                         "not_healthy": None, "trouble": "", "configuration_refused": None,
                         "workers": [], "worker_restarts_total": 0}
DOWN = "check failed: refused"


def row(name: str = "bravo", state: str = "active", reason: str = "ready", *, retries: int = 0) -> DemoRow:
    return DemoRow(name, "127.0.0.1:4001", state, reason, active=3, requests=70, requests_per_second=17.4,
               bytes_per_second=5432.0, retries=retries)


def frame(*rows: DemoRow, moment: float = 12.3, failed: int = 0, events: tuple[DemoEvent, ...] = ()) -> Frame:
    return Frame(Address("127.0.0.1", 8080), Address("127.0.0.1", 9180), moment, rows, 600, failed, events)


def backend(address: str, connections: int = 0, received: int = 0, sent: int = 0) -> BackendShape:
    return {"address": address, "state": "active", "reason": "ready", "for_seconds": 1.0, "since": None,
            "is_open": True, "weight": 1, "drain_seconds_left": None, "state_seconds_left": None,
            "is_drained_by_operator": False, "active": 2, "connections_total": connections,
            "bytes_received_total": received, "bytes_sent_total": sent, "retries_total": 4,
            "connect_failures_total": {}, "closed_total": {}}


def state(*backends: BackendShape) -> StateShape:
    return {"version": 1, "time": "", "program": PROGRAM, "services": [{
        "name": "default", "listens": [], "scheduler": "lc", "max_conns": 0, "accepted_total": 0,
        "queued": 0, "rejected_total": {}, "closed_total": {},
        "backends": list(backends)}]}
