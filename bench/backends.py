"""The servers behind every balancer: one nginx that answers on all loopback addresses of one port.

`/` is a tiny answer, `/bulk` a large file sent with sendfile. 127.0.x.y makes it as many backends as wanted.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.net import Address, answers, free_address
from bench.process import Cpus, Program, running
from bench.systems.installed import find

BULK_BYTES = 128 * 1024 * 1024
HOSTS_PER_NET = 250

TEMPLATE = """\
user root;
daemon off;
pid {folder}/backends.pid;
error_log stderr error;
worker_processes 1;
worker_rlimit_nofile 20000;
events {{ worker_connections 19000; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  client_header_timeout 1h;
  server {{
    listen 0.0.0.0:{port} backlog=4096;
    location = / {{ return 200 "ok\\n"; }}
    location = /bulk {{ alias {folder}/bulk; }}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Backends:
    """Any number of backends on one port."""

    port: int

    def first(self, count: int) -> tuple[Address, ...]:
        """Return the addresses of `count` backends, at most 60,000."""
        return tuple(
            Address(f"127.0.{i // HOSTS_PER_NET}.{i % HOSTS_PER_NET + 1}", self.port) for i in range(count)
        )


@contextmanager
def serving(folder: Path, cpus: Cpus) -> Iterator[Backends]:
    """Run the servers on `cpus` for as long as the block lasts."""
    address = free_address()
    config = folder / "backends.conf"
    config.write_text(TEMPLATE.format(folder=folder, port=address.port))
    with (folder / "bulk").open("wb") as file:
        file.truncate(BULK_BYTES)
    command = [find("nginx"), "-e", "stderr", "-p", str(folder), "-c", str(config)]
    with running(Program("backends", command, cpus, folder / "backends.log"), lambda: answers(address)):
        yield Backends(address.port)
