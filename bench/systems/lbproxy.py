"""lbproxy itself, with one of its dataplanes, as a checkout has it."""

import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from shlex import join

from bench.errors import NotInstalledError
from bench.net import free_address
from bench.systems.ipvs import check_kernel
from bench.systems.system import Setup

# Whatever is on by default stays on, the admin server too.
CONFIG, PID, ADMIN = "lbproxy.yaml", "pid", "admin: "
TEMPLATE = """\
{options}
admin: "{admin}"
dataplane: {dataplane}
health-interval: {health_interval}
services:
  - name: web
    listen: ["{listen}"]
    scheduler: {scheduler}
    backends:
{backends}
"""
STOP_SOON = ["--shutdown-delay", "0s", "--drain-timeout", "1s"]


CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class LBProxy:
    """The system under test; another name and checkout let two states of the code compete."""

    name: str = "lbproxy"
    checkout: Path = CHECKOUT
    dataplane: str = "userspace"
    options: tuple[str, ...] = ()
    """Further lines of its file."""

    def version(self) -> str:
        """Return the installed version and the Python it runs on."""
        if not (self.checkout / "lbproxy" / "__main__.py").exists():
            raise NotInstalledError(f"{self.checkout} has no lbproxy/__main__.py")
        if self.dataplane == "ipvs":
            check_kernel()
        return f"{version('lbproxy')} (Python {sys.version.split()[0]})"

    def command(self, setup: Setup, folder: Path) -> list[str]:
        """Run with a configuration file, which takes a thousand backends as well as two."""
        config = folder / CONFIG
        config.write_text(self._configuration(setup, f"{setup.admin or free_address()}"))
        # `python -m` looks in the working directory first.
        words = ["env", f"--chdir={self.checkout}", sys.executable, "-m", "lbproxy", "run", "--config", str(config)]
        return ["sh", "-c", f"echo $$ >{folder / PID}; exec {join([*words, *STOP_SOON])}"]

    def change(self, setup: Setup, folder: Path) -> list[str]:
        """Put another configuration in the place of the one that it watches, and don't wait until it looks."""
        old, new = folder / CONFIG, folder / f"new-{CONFIG}"
        admin = next(line for line in old.read_text().splitlines() if line.startswith(ADMIN))
        new.write_text(self._configuration(setup, admin.removeprefix(ADMIN).strip('"')))
        return ["sh", "-c", f"mv {new} {old} && kill -HUP $(cat {folder / PID})"]

    def _configuration(self, setup: Setup, admin: str) -> str:
        return TEMPLATE.format(
            options="\n".join((f"workers: {setup.workers}" if self.dataplane == "userspace" else "cleanup: true",
                               *self.options)),
            admin=admin,
            dataplane=self.dataplane,
            health_interval="2s" if setup.is_checked else "0s",
            listen=setup.listen,
            scheduler=setup.scheduler or "lc",
            backends="\n".join(f'      - "{backend}"' for backend in setup.backends),
        )
