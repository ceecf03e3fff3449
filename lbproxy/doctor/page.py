"""A diagnosis as a person reads it: what was seen, and for what is not well why it matters and what to type."""

from rich.console import Console
from rich.text import Text

from lbproxy.dataplanes.catalog import AUTO
from lbproxy.doctor.diagnosis import ANY, Diagnosis
from lbproxy.model.finding import Finding, Verdict
from lbproxy.text.quoting import escaped

COLOURS = {Verdict.OK: "green", Verdict.UNKNOWN: "magenta", Verdict.IMPROVABLE: "yellow", Verdict.FATAL: "bold red"}
SUMMARIES = {
    Verdict.OK: "All is well.",
    Verdict.UNKNOWN: "Nothing bad was found, but not everything could be found out.",
    Verdict.IMPROVABLE: "It works, but could be better.",
    Verdict.FATAL: "It won't work.",
}
INDENT = " " * (max(len(verdict.words) for verdict in Verdict) + 2)
NARROWEST = 30
"""Columns for text, even where the terminal has fewer."""


def write(console: Console, diagnosis: Diagnosis) -> None:
    """Write it all: headings, findings, and the sum."""
    console.print(Text(f"Dataplane {_dataplane(diagnosis)}", "bold"))
    for dataplane, findings in diagnosis.groups():
        console.print()
        console.print(Text("For any dataplane" if dataplane == ANY else f"For {dataplane}", "bold"))
        for finding in findings:
            _write(console, finding)
    console.print()
    verdict = diagnosis.verdict
    console.print(Text.assemble((SUMMARIES[verdict], COLOURS[verdict]), f" (exit code {verdict.exit_code})"))


def _dataplane(diagnosis: Diagnosis) -> str:
    selection = diagnosis.selection
    if selection.requested != AUTO:
        return selection.name
    return escaped(f"auto, which would be {selection.name}, as {selection.reason}")


def _write(console: Console, finding: Finding) -> None:
    """Write one; what is to be typed stands below the rest in one piece, so that it can be copied."""
    margin = f"{finding.verdict.words:{len(INDENT)}}"
    for line in _text(finding).wrap(console, max(NARROWEST, console.width - len(INDENT)), overflow="fold"):
        # rich pads wrapped lines with blanks, which end up in what people copy.
        line.rstrip()
        console.print(Text.assemble((margin, COLOURS[finding.verdict]), line), soft_wrap=True)
        margin = INDENT
    if finding.fix:
        console.print(Text.assemble(f"{INDENT}fix: ", (escaped(finding.fix), "cyan")), soft_wrap=True)


def _text(finding: Finding) -> Text:
    seen = Text.assemble((escaped(finding.name), "bold"), f": {escaped(finding.seen)}")
    return seen if finding.verdict is Verdict.OK else seen.append(f"\nwhy: {escaped(finding.why)}", "dim")
