"""`python -m bench`: measurements of lbproxy, beside its peers where there are any, and the lab some of them need."""

import sys

import click

from bench.errors import BenchError
from bench.ipvs.command import ipvs
from bench.kubernetes.command import kubernetes
from bench.lab.command import lab
from bench.pages.command import pages
from bench.paper.command import paper
from bench.relay.command import relay


@click.group()
def main() -> None:
    """Benchmarks of lbproxy."""


main.add_command(relay)
main.add_command(kubernetes)
main.add_command(ipvs)
main.add_command(lab)
main.add_command(paper)
main.add_command(pages)

if __name__ == "__main__":
    try:
        main(prog_name="python -m bench")
    except BenchError as error:
        sys.exit(f"bench: {error}")
