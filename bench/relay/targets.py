"""What lbproxy has to reach, as ratios to the reference row, and whether a run reached it."""

from dataclasses import dataclass

from bench.relay.results import Results
from bench.relay.summary import Spread, ratio


@dataclass(frozen=True, slots=True)
class Target:
    """The most a ratio may be; `aimed` is what we would like it to be."""

    words: str
    measurement: str
    key: str
    required: float
    aimed: float
    label: str = "lbproxy"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a target."""

    target: Target
    ratio: Spread

    @property
    def is_met(self) -> bool:
        """Return whether the required ratio was reached."""
        return self.ratio.middle <= self.target.required

    @property
    def is_aim_met(self) -> bool:
        """Return whether the aimed ratio was reached."""
        return self.ratio.middle <= self.target.aimed


MANY = "1,000 backends"
TARGETS = (
    Target("CPU of a kept-alive request", "keep-alive", "cpu_us", 1.15, 1.0),
    Target("CPU of a new connection", "new-connection", "cpu_us", 1.35, 1.0),
    Target("CPU of bulk", "bulk", "cpu_s_per_gb", 0.85, 0.5),
    Target("memory of an idle connection", "memory", "kb_per_connection", 0.40, 0.25),
    Target("CPU of a connection, 1,000 backends to 2", "pick", "cpu_us", 1.10, 1.10, MANY),
    Target("the same with wlc", "pick-wlc", "cpu_us", 1.10, 1.10, MANY),
)


def verdicts(results: Results) -> list[Verdict]:
    """Return a verdict for each target that `results` has samples for."""
    judged = (_judge(results, target) for target in TARGETS)
    return [verdict for verdict in judged if verdict]


def _judge(results: Results, target: Target) -> Verdict | None:
    finding = results.finding(target.measurement)
    found = finding and ratio(finding, target.label, target.key)
    return Verdict(target, found) if found else None
