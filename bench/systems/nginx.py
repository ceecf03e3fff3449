"""nginx's `stream` module: a master and one worker process."""

import re
import subprocess
from pathlib import Path

from bench.errors import NotInstalledError
from bench.systems.installed import find, version_in
from bench.systems.system import Setup, translated

SCHEDULERS = {"lc": "least_conn;", "rr": ""}
TEMPLATE = """\
{module}
user root;
daemon off;
pid {folder}/nginx.pid;
error_log stderr error;
worker_processes {workers};
worker_rlimit_nofile 20000;
events {{ worker_connections 19000; }}
stream {{
  upstream web {{
    {scheduler}
{servers}
  }}
  server {{
    listen {listen} backlog=4096;
    proxy_timeout 1h;
    proxy_connect_timeout 5s;
    proxy_pass web;
  }}
}}
"""


class Nginx:
    """nginx as a TCP load balancer."""

    name = "nginx"

    def version(self) -> str:
        """Return what `nginx -v` says."""
        _stream_module()
        return version_in([find("nginx"), "-v"])

    def command(self, setup: Setup, folder: Path) -> list[str]:
        """Run in the foreground, with everything it writes in `folder`."""
        servers = "\n".join(f"    server {backend};" for backend in setup.backends)
        config = folder / "stream.conf"
        config.write_text(TEMPLATE.format(
            module=_stream_module(), folder=folder, workers=setup.workers, servers=servers, listen=setup.listen,
            scheduler=translated(setup, SCHEDULERS, self.name),
        ))
        return [find("nginx"), "-e", "stderr", "-p", str(folder), "-c", str(config)]

    def change(self, setup: Setup, folder: Path) -> list[str]:
        """Have it read its configuration again; old worker processes stay until their connections end."""
        return [*self.command(setup, folder), "-s", "reload"]


def _stream_module() -> str:
    """Return the line that loads the module; empty when it is built in."""
    asked = subprocess.run([find("nginx"), "-V"], capture_output=True, text=True, timeout=20, check=False)
    built = asked.stderr
    if "--with-stream=dynamic" not in built:
        return ""
    folder = re.search(r"--modules-path=(\S+)", built)
    module = Path(folder.group(1) if folder else "") / "ngx_stream_module.so"
    if not module.exists():
        raise NotInstalledError("nginx is installed without its stream module")
    return f"load_module {module};"
