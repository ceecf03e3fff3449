"""What `lbproxy explain` shows: for each backend the chain of causes, with the decisive one in bold. Pure."""

from collections.abc import Iterable, Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from lbproxy.admin.schema import ExplainedBackendShape, ExplainedServiceShape, ExplanationShape, ScoreShape
from lbproxy.console.formatting import age, plain, state
from lbproxy.text.quoting import escaped

INDENT = "  "


def explanation(answer: ExplanationShape) -> RenderableType:
    """Draw every service of an answer of `/explain`."""
    return Group(*(line for service in answer["services"] for line in _service(service)))


def _service(service: ExplainedServiceShape) -> Iterator[Text]:
    yield plain(service["name"], "bold").append(f"  {service['scheduler'] or 'removed'}", "not bold")
    if service["next"]:
        chosen = ", ".join(f"worker {one['worker']}: {escaped(one['backend'] or 'none')}" for one in service["next"])
        yield Text(f"{INDENT}the next connection goes to  {chosen}")
    for source in service["sources"]:
        if source["trouble"] or not source["is_known"]:
            outdated = "out of date" if source["is_known"] else "not known yet"
            reason = escaped(source["trouble"] or "no answer yet")
            yield Text(f"{INDENT}{escaped(source['origin'])} is {outdated}: {reason}", "yellow")
    for backend in service["backends"]:
        yield from _backend(backend)
    yield Text()


def _backend(backend: ExplainedBackendShape) -> Iterator[Text]:
    title = Text.assemble(INDENT, plain(backend["address"], "bold"), "  ", state(backend["state"], backend["reason"]))
    yield title.append(f", for {age(backend['for_seconds'])}" if backend["for_seconds"] is not None else "", "default")
    for cause in backend["causes"]:
        mark, style = ("→", "bold") if cause["is_decisive"] else ("·", "")
        yield Text(f"{INDENT * 2}{mark} {escaped(cause['about']):<12}{escaped(cause['says'])}", style)
    yield from _drain(backend)
    if backend["scores"]:
        yield Text(f"{INDENT * 2}· {'scores':<12}{'; '.join(_scores(backend['scores']))}")


def _drain(backend: ExplainedBackendShape) -> Iterator[Text]:
    drain = backend["drain"]
    if drain is not None and drain["oldest_seconds"] is not None:
        yield Text(f"{INDENT * 2}· {'oldest':<12}its oldest connection is {age(drain['oldest_seconds'])} old")


def _scores(scores: Iterable[ScoreShape]) -> Iterator[str]:
    for one in scores:
        score = "can't be chosen" if one["score"] is None else f"score {one['score']:g}"
        yield f"worker {one['worker']}: {score}{', full' * one['is_full']}{', next' * one['is_next']}"
