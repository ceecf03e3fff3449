"""HAProxy in TCP mode, one thread, splicing allowed."""

from pathlib import Path

from bench.systems.installed import find, version_in
from bench.systems.say import say
from bench.systems.system import Setup, translated

# It wants 2.5 descriptors for each, pipes for splicing included, and must stay below a hard limit of 20,000.
MAX_CONNECTIONS = 7_000

SCHEDULERS = {"lc": "leastconn", "rr": "roundrobin"}
TEMPLATE = """\
global
  nbthread {workers}
  maxconn {connections}
  stats socket {folder}/admin level admin
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  option splice-auto
  option redispatch 1
listen web
  bind {listen} backlog 4096
  maxconn {connections}
  balance {scheduler}
{servers}
"""


class HAProxy:
    """The reference: every ratio in the results is to this one."""

    name = "haproxy"

    def version(self) -> str:
        """Return what `haproxy -v` says."""
        return version_in([find("haproxy"), "-v"])

    def command(self, setup: Setup, folder: Path) -> list[str]:
        """Run without a master process."""
        servers = "\n".join(f"  server s{i} {backend}" for i, backend in enumerate(setup.backends))
        config = folder / "haproxy.cfg"
        config.write_text(TEMPLATE.format(
            workers=setup.workers, connections=MAX_CONNECTIONS, listen=setup.listen, servers=servers, folder=folder,
            scheduler=translated(setup, SCHEDULERS, self.name),
        ))
        return [find("haproxy"), "-db", "-f", str(config)]

    def change(self, setup: Setup, folder: Path) -> list[str]:
        """Tell it over its socket (the runtime API); connections that it has stay where they are."""
        return say(folder / "admin", [
            f"set server web/s{i} addr {backend.host} port {backend.port}" for i, backend in enumerate(setup.backends)
        ])
