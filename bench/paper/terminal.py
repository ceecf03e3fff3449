"""A figure's numbers and a claim's fate, on the terminal."""

from rich.text import Text

from bench.paper.claims import Claim
from bench.paper.judging import judged, verdict
from bench.paper.results import Results
from bench.paper.tables import points_grid, ratios_grid
from bench.relay.terminal import console, show


def show_points(results: Results, figure: str) -> None:
    """Print the numbers of a figure."""
    if points := results.of(figure):
        show(points_grid(figure, figure, points))


def show_claim(results: Results, claim: Claim) -> None:
    """Print what became of a claim."""
    if not results.of(claim.figure):
        return
    show(ratios_grid(claim.title, judged(results, claim)))
    console.print(Text(f"{claim.title}: {verdict(results, claim)}"), soft_wrap=True)
