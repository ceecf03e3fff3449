"""What `lbproxy status` and `lbproxy top` show of an answer of `/backends`. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lbproxy.admin.schema import BackendShape, ProgramShape, ServiceShape, StateShape
from lbproxy.console.formatting import age, plain, rate, state
from lbproxy.text.quoting import escaped
from lbproxy.text.terminal import format_size

Key = tuple[str, str]
"""Service, and address of the backend."""
URGENCY = {"down": 0, "draining": 1, "active": 2, "removed": 3}
"""The order of states in a table: those that need attention first. A state that is unknown here comes first too."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Of one backend, per second; bytes of both directions."""

    connections: float = 0.0
    bytes: float = 0.0


NONE = Rate()


def status(answer: StateShape) -> RenderableType:
    """Draw whether the program is ready, then each service with its backends and totals."""
    return Group(_head(answer["program"]), *(part for service in answer["services"] for part in _service(service)))


def top(answer: StateShape, speeds: Mapping[Key, Rate], height: int) -> RenderableType:
    """Draw one table of all backends, as many as fit in `height` lines: by urgency of the state, the busiest first."""
    rows = [(service, one, speeds.get((service["name"], one["address"]), NONE))
            for service in answer["services"] for one in service["backends"]]
    rows.sort(key=lambda row: (URGENCY.get(row[1]["state"], 0), -row[1]["active"], -row[2].connections))
    table = _table("service", "backend", "state", "active", "new/s", "bytes/s", "failed")
    for service, backend, speed in rows[:height]:
        table.add_row(plain(service["name"]), plain(backend["address"]), state(backend["state"], backend["reason"]),
                      f"{backend['active']:,}", rate(speed.connections), format_size(speed.bytes), _failed(backend))
    return Group(_head(answer["program"]), _sums(answer, speeds), Text(), table, _rest(len(rows) - height))


def rates(before: StateShape | None, after: StateShape, seconds: float) -> dict[Key, Rate]:
    """Give each backend's rates between two answers, `seconds` apart; a backend that is new has none yet."""
    if before is None or seconds <= 0:
        return {}
    old = {(service["name"], one["address"]): one for service, one in _backends(before)}
    return {(service["name"], one["address"]): _rate(then, one, seconds) for service, one in _backends(after)
            if (then := old.get((service["name"], one["address"])))}


def _head(program: ProgramShape) -> Text:
    """Draw whether the program is ready and healthy, and what runs."""
    lines = _standing(program)
    workers = program["workers"]
    running = f", {sum(one['pid'] is not None for one in workers)} of {len(workers)} workers" if workers else ""
    restarts = f", {program['worker_restarts_total']} restarts" if program["worker_restarts_total"] else ""
    lines.append(f"  lbproxy {escaped(program['version'])}, {escaped(program['dataplane'])}, pid {program['pid']}, "
                 f"up {age(program['uptime_seconds'])}{running}{restarts}", "default")
    for what, trouble in (("not ready", program["not_ready"]), ("not healthy", program["not_healthy"]),
                          ("not applied", program["trouble"]),
                          ("configuration refused", program["configuration_refused"])):
        if trouble:
            lines.append(f"\n{what}: {escaped(trouble)}", "bold red")
    return lines


def _standing(program: ProgramShape) -> Text:
    """Say `ready` alone only while all is as it was asked for."""
    if program["not_ready"] is not None:
        return Text("NOT READY", "bold red")
    is_troubled = program["not_healthy"] or program["trouble"] or program["configuration_refused"]
    return Text("ready, with trouble", "bold yellow") if is_troubled else Text("ready", "bold green")


def _service(service: ServiceShape) -> Iterable[RenderableType]:
    yield Text()
    yield _title(service)
    table = _table("backend", "state", "for", "active", "total", "retried", "failed", "weight")
    for backend in _sorted(service["backends"]):
        table.add_row(plain(backend["address"]), state(backend["state"], backend["reason"]),
                      age(backend["for_seconds"]), f"{backend['active']:,}", f"{backend['connections_total']:,}",
                      f"{backend['retries_total']:,}", _failed(backend), str(backend["weight"]))
    yield table


def _title(service: ServiceShape) -> Text:
    listens = ", ".join(service["listens"]) or "not listening"
    title = plain(service["name"], "bold").append(f"  {escaped(listens)}  {service['scheduler'] or ''}", "not bold")
    if rejected := {why: count for why, count in service["rejected_total"].items() if count}:
        reasons = ", ".join(f"{count:,} {escaped(why)}" for why, count in rejected.items())
        title.append(f"  rejected: {reasons}", "not bold yellow")
    return title


def _failed(backend: BackendShape) -> Text:
    failed = sum(backend["connect_failures_total"].values())
    return Text(f"{failed:,}", "red" if failed else "")


def _sorted(backends: list[BackendShape]) -> list[BackendShape]:
    return sorted(backends, key=lambda one: URGENCY.get(one["state"], 0))


def _sums(answer: StateShape, speeds: Mapping[Key, Rate]) -> Text:
    active = sum(one["active"] for service in answer["services"] for one in service["backends"])
    rejected = sum(sum(service["rejected_total"].values()) for service in answer["services"])
    new, moved = (sum(values) for values in ([one.connections for one in speeds.values()],
                                             [one.bytes for one in speeds.values()]))
    return Text(f"{active:,} connections, {rate(new)} new/s, {format_size(moved)}/s, {rejected:,} rejected in all")


def _rest(more: int) -> Text:
    return Text(f"and {more:,} more; Ctrl-C to quit" if more > 0 else "Ctrl-C to quit", "dim")


def _table(*headings: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in headings:
        is_number = heading not in {"service", "backend", "state"}
        # Only the state may take several lines: its reason is a sentence, while numbers and addresses are copied.
        table.add_column(heading, justify="right" if is_number else "left", no_wrap=heading != "state",
                         overflow="fold")
    return table


def _rate(before: BackendShape, after: BackendShape, seconds: float) -> Rate:
    connections = after["connections_total"] - before["connections_total"]
    moved = _bytes(after) - _bytes(before)
    # Never negative: the counters of a backend that came back start at 0.
    return Rate(max(0, connections) / seconds, max(0, moved) / seconds)


def _bytes(backend: BackendShape) -> int:
    return backend["bytes_received_total"] + backend["bytes_sent_total"]


def _backends(state: StateShape) -> Iterator[tuple[ServiceShape, BackendShape]]:
    for service in state["services"]:
        for backend in service["backends"]:
            yield service, backend
