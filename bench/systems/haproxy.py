"""HAProxy in TCP mode, one thread, splicing allowed."""

from pathlib import Path

from bench.systems.installed import find, version_in
from bench.systems.system import Setup

# It wants 2.5 descriptors for each, pipes for splicing included, and must stay below a hard limit of 20,000.
MAX_CONNECTIONS = 7_000

TEMPLATE = """\
global
  nbthread {workers}
  maxconn {connections}
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  option splice-auto
listen web
  bind {listen} backlog 4096
  maxconn {connections}
  balance leastconn
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
            workers=setup.workers, connections=MAX_CONNECTIONS, listen=setup.listen, servers=servers,
        ))
        return [find("haproxy"), "-db", "-f", str(config)]
