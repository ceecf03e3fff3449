"""What the paper shows, figure by figure, as ratios between its own numbers.

Sources: the text of the published paper, and its figures in the authors' public sources
(github.com/ktaka-ccmp/paperdraft01, published version), from which numbers were read to about 3 %. The paper's node had
8 cores, a network card with 4 queues, and 1 Gbit/s; it measured up to 40 pods.
"""

from collections.abc import Mapping
from dataclasses import dataclass

Words = Mapping[str, str | int]
ALIKE = 0.15
"""Ratios this near to 1 say that two things are alike."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A ratio of `key` between two points of a figure, at the largest number of pods that was measured."""

    says: str
    above: Words
    below: Words
    paper: float
    key: str = "per_second"


@dataclass(frozen=True, slots=True)
class Claim:
    """One figure or table: its title, what the paper says with it, and the ratios that say so."""

    figure: str
    title: str
    says: str
    ratios: tuple[Compared, ...] = ()
    instead: tuple[Compared, ...] = ()
    """The same for another system, which the paper did not measure; they decide nothing."""


def _spread(system: str, says: str, spreading: str, ratio: float) -> Compared:
    words = {"system": system, "overlay": "host-gw"}
    above, below = {**words, "spreading": spreading}, {**words, "spreading": "one"}
    return Compared(f"{system}: {says}, host-gw", above, below, ratio)


def _overlay(system: str, overlay: str, ratio: float) -> Compared:
    words = {"system": system, "spreading": "all"}
    says = f"{system}: {overlay} : host-gw, packets on all CPUs"
    return Compared(says, {**words, "overlay": overlay}, {**words, "overlay": "host-gw"}, ratio)


def _curves(system: str, rps: float, rss: float, vxlan: float, udp: float) -> tuple[Compared, ...]:
    return (
        _spread(system, "packets on all CPUs : on one", "all", rps),
        _spread(system, "a queue per CPU : one CPU", "queues", rss),
        _overlay(system, "vxlan", vxlan),
        _overlay(system, "udp", udp),
    )


def _systems(above: str, below: str, ratio: float, key: str = "per_second", **more: str) -> Compared:
    return Compared(f"{above} : {below}", {"system": above, **more}, {"system": below, **more}, ratio, key)


# Figure 11 (IPVS), requests/s at 40 pods: host-gw 189k, 117k, 38k for (RSS, RPS) = (off, on), (on, off), (off, off);
# vxlan 164k, udp 28k with (off, on). Figure 13 (iptables): host-gw 190k, 184k, 84k; vxlan 165k, udp 47k.
_FIG11 = {"rps": 5.0, "rss": 3.1, "vxlan": 0.87, "udp": 0.15}
_FIG13 = {"rps": 2.3, "rss": 2.2, "vxlan": 0.87, "udp": 0.25}

ALL = (
    Claim(
        "table1", "Table 1: viable overlays",
        "host-gw works where nodes are neighbours, and not behind a cloud's gateway (GCP; AWS across subnets); vxlan "
        "and udp work everywhere.",
    ),
    Claim(
        "fig11", "Figure 11: IPVS against the number of pods",
        "Throughput grows with the pods until the node is full; packets spread over cores raise that limit several "
        "times; host-gw is best, vxlan near it, udp far below.", _curves("ipvs", **_FIG11),
        _curves("lbproxy", **_FIG11),
    ),
    Claim(
        "fig12", "Figure 12: the limit of 1 Gbit/s",
        "622.72 bytes of headers and frames with each answer of 13 bytes leave room for 196,627 requests/s, and IPVS "
        "with RPS comes near it (about 189,000): the link is the limit, no longer the node.",
    ),
    Claim(
        "fig13", "Figure 13: iptables DNAT against the number of pods",
        "The same as for IPVS, with one core carrying twice as much.", _curves("iptables", **_FIG13),
    ),
    Claim(
        "fig14", "Figure 14: IPVS, iptables DNAT and nginx",
        "IPVS is almost equal to iptables DNAT; nginx, as an HTTP proxy, stays at about 10,000 requests/s however many "
        "pods there are.", (_systems("ipvs", "iptables", 1.0), _systems("nginx http", "iptables", 0.05)),
    ),
    Claim(
        "fig15", "Figure 15: latency at constant load",
        "Medians of 1.1 ms with IPVS and 1.2 ms with iptables DNAT at 160,000 requests/s (of about 190,000 possible): "
        "almost the same.", (_systems("ipvs", "iptables", 1.1 / 1.2, "p50_us", load="80%"),),
    ),
)


def points_alike(paper: float, here: float) -> bool:
    """Return whether two ratios say the same: more, less, or alike."""
    return _direction(paper) == _direction(here)


def _direction(ratio: float) -> int:
    if abs(ratio - 1) <= ALIKE:
        return 0
    return 1 if ratio > 1 else -1
