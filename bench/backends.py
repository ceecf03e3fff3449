"""The servers behind every balancer of the relay benchmark: one nginx on all loopback addresses of one port.

`/` is a tiny answer, `/page` one of some KB, `/bulk` a large file; both are sent with sendfile. 127.0.x.y makes it as
many backends as wanted.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.net import Address, answers, free_address
from bench.process import Cpus, Program, running
from bench.systems.installed import find

BULK_BYTES = 128 * 1024 * 1024
PAGE_BYTES = 8 * 1024
HOSTS_PER_NET = 250

TEMPLATE = """\
user root;
daemon off;
pid {folder}/nginx.pid;
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
    listen {listen} backlog=4096;
    location = / {{ return 200 "{answer}"; }}
    location = /page {{ alias {files}/page; }}
    location = /bulk {{ alias {files}/bulk; }}
  }}
}}
"""


def configuration(folder: Path, listen: str, answer: str, files: Path) -> str:
    """Return the configuration of an nginx that answers `/` with `answer` and serves what `fill` puts into `files`."""
    return TEMPLATE.format(folder=folder, listen=listen, answer=answer, files=files)


def fill(folder: Path) -> None:
    """Make the files that are served: all zeros, which take no room."""
    for name, size in (("page", PAGE_BYTES), ("bulk", BULK_BYTES)):
        with (folder / name).open("wb") as file:
            file.truncate(size)


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
    config.write_text(configuration(folder, f"0.0.0.0:{address.port}", "ok\\n", folder))
    fill(folder)
    command = [find("nginx"), "-e", "stderr", "-p", str(folder), "-c", str(config)]
    with running(Program("backends", command, cpus, folder / "backends.log"), lambda: answers(address)):
        yield Backends(address.port)
