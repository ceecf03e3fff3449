"""nginx as an HTTP proxy: the paper's, with a connection to a pod per request, and one that keeps some."""

from dataclasses import dataclass
from pathlib import Path

from bench.systems.installed import find, version_in
from bench.systems.system import Setup, translated

TEMPLATE = """\
user root;
daemon off;
pid {folder}/nginx.pid;
error_log stderr error;
worker_processes {workers};
worker_rlimit_nofile 20000;
events {{ worker_connections 19000; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  upstream web {{
    {scheduler}
{servers}
    {keeping}
  }}
  server {{
    listen {listen} backlog=4096;
    location / {{ proxy_pass http://web; {passing} }}
  }}
}}
"""
SCHEDULERS = {"lc": "least_conn;", "rr": ""}
KEEPING = "keepalive 128; keepalive_requests 1000000000;"
PASSING = 'proxy_http_version 1.1; proxy_set_header Connection "";'


@dataclass(frozen=True, slots=True)
class NginxHTTP:
    """nginx as a layer-7 proxy; without `keeps_connections` as it comes, which is what the paper seems to show."""

    name: str = "nginx http"
    keeps_connections: bool = False

    def version(self) -> str:
        """Return what `nginx -v` says."""
        return version_in([find("nginx"), "-v"])

    def command(self, setup: Setup, folder: Path) -> list[str]:
        """Run in the foreground, with everything it writes in `folder`."""
        keeping, passing = (KEEPING, PASSING) if self.keeps_connections else ("", "")
        config = folder / "http.conf"
        config.write_text(TEMPLATE.format(
            folder=folder, workers=setup.workers, listen=setup.listen, keeping=keeping, passing=passing,
            scheduler=translated(setup, SCHEDULERS, self.name),
            servers="\n".join(f"    server {backend};" for backend in setup.backends),
        ))
        return [find("nginx"), "-e", "stderr", "-p", str(folder), "-c", str(config)]

    def change(self, setup: Setup, folder: Path) -> list[str]:
        """Have it read its configuration again; old worker processes finish their requests."""
        return [*self.command(setup, folder), "-s", "reload"]
