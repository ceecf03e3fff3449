"""`python -m bench`: measurements of lbproxy, beside its peers where there are any."""

import sys

import click

from bench.errors import BenchError
from bench.kubernetes.command import kubernetes
from bench.pages.command import pages
from bench.relay.command import relay


@click.group()
def main() -> None:
    """Benchmarks of lbproxy."""


main.add_command(relay)
main.add_command(kubernetes)
main.add_command(pages)

if __name__ == "__main__":
    try:
        main(prog_name="python -m bench")
    except BenchError as error:
        sys.exit(f"bench: {error}")
