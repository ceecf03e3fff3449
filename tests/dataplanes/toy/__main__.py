"""`python -m tests.dataplanes.toy run …`: lbproxy with the toy among its dataplanes."""

import sys

from lbproxy.cli.run import run_command
from lbproxy.dataplanes.catalog import Dataplanes
from lbproxy.dataplanes.userspace.kind import USERSPACE
from tests.dataplanes.toy.kind import TOY

run_command(Dataplanes((TOY, USERSPACE))).main(sys.argv[2:])
