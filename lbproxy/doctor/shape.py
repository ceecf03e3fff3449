"""The JSON of `lbproxy doctor --json`: a contract with scripts, so fields are added but never change."""

from collections.abc import Iterator
from typing import TypedDict

from lbproxy.doctor.diagnosis import Diagnosis


class FindingShape(TypedDict):
    """One finding of a preflight."""

    name: str
    """What was looked at: `ipvs`, `net.ipv4.ip_forward`, `packets of eth0`."""
    dataplane: str
    """For which dataplane it matters: any, or its name as --dataplane has it."""
    verdict: str
    """ok, unknown (couldn't be found out), could-be-better or wont-work."""
    seen: str
    """What there is, in words for people."""
    why: str
    """Why it matters."""
    fix: str
    """What to type or to change; empty if nothing is to be done."""


class DataplaneShape(TypedDict):
    """Which dataplane it is about."""

    requested: str
    """What --dataplane says: a name, or auto."""
    picked: str
    """The one that would run."""
    reason: str
    """Why it was picked."""


class DoctorShape(TypedDict):
    """The whole answer of `lbproxy doctor --json`."""

    version: int
    """Of this shape: 1."""
    verdict: str
    """The worst verdict of the findings for any dataplane and for the picked one."""
    exit_code: int
    """0 all well; 1 it works, but something could be better or couldn't be found out; 2 it won't work."""
    dataplane: DataplaneShape
    findings: list[FindingShape]


def shape(diagnosis: Diagnosis) -> DoctorShape:
    """Give a diagnosis as JSON has it."""
    selection = diagnosis.selection
    return {
        "version": 1,
        "verdict": diagnosis.verdict.value,
        "exit_code": diagnosis.verdict.exit_code,
        "dataplane": {"requested": selection.requested, "picked": selection.name, "reason": selection.reason},
        "findings": list(_findings(diagnosis)),
    }


def _findings(diagnosis: Diagnosis) -> Iterator[FindingShape]:
    for dataplane, findings in diagnosis.groups():
        for found in findings:
            yield {"name": found.name, "dataplane": dataplane, "verdict": found.verdict.value, "seen": found.seen,
                   "why": found.why, "fix": found.fix}
