from lbproxy.admin.schema import BackendShape, ExplanationShape, ProgramShape, StateShape

PROGRAM: ProgramShape = {
    "version": "1.2", "dataplane": "userspace", "pid": 7, "uptime_seconds": 95.0, "not_ready": None,
    "not_healthy": None, "trouble": "", "configuration_refused": None, "workers": [], "worker_restarts_total": 0}


def program(*, not_ready: str | None = None, trouble: str = "", version: str = "1.2") -> ProgramShape:
    return {**PROGRAM, "not_ready": not_ready, "trouble": trouble, "version": version}


def explained(said: str) -> ExplanationShape:
    """An answer of /explain with this text in every field of text."""
    return {"time": "", "services": [{
        "name": said, "scheduler": "lc", "next": [{"worker": 0, "backend": said}],
        "sources": [{"origin": said, "is_known": False, "endpoints": 0, "trouble": said}], "backends": [{
            "address": said, "state": said, "reason": said, "for_seconds": None, "is_open": True, "active": 0,
            "weight": 1, "causes": [{"about": said, "says": said, "is_decisive": True}], "endpoint": None,
            "check": None, "ejected_for_seconds": None, "drain": None, "scores": []}]}]}


def backend(address: str = "192.0.2.1:80", state: str = "active", reason: str = "ready", *,  # noqa: PLR0913 - few facts
            active: int = 0, connections: int = 0, sent: int = 0) -> BackendShape:
    return {"address": address, "state": state, "reason": reason, "for_seconds": 95.0, "since": None, "is_open": True,
            "weight": 1, "drain_seconds_left": None, "state_seconds_left": None, "is_drained_by_operator": False,
            "active": active, "connections_total": connections, "bytes_received_total": 0, "bytes_sent_total": sent,
            "retries_total": 0, "connect_failures_total": {"refused": 2}, "closed_total": {}}


def state(*backends: BackendShape, name: str = "web", program: ProgramShape = PROGRAM) -> StateShape:
    return {"version": 1, "time": "", "program": program, "services": [{
        "name": name, "listens": ["192.0.2.9:80"], "scheduler": "lc", "max_conns": 0, "accepted_total": 0, "queued": 0,
        "rejected_total": {"no_backend": 3, "queue_full": 0}, "closed_total": {}, "backends": list(backends)}]}
