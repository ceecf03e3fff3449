"""Open pages and a scraper: as many clients of one admin server, read as fast as it tells them anything."""

import os
import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection, HTTPException

from bench.errors import BenchError
from bench.net import Address
from bench.process import Cpus

PAGES = 100
SCRAPE_SECONDS = 1.0
READ_BYTES = 1 << 16
CONNECT_SECONDS = 5.0
PATIENCE_SECONDS = 30.0


class Watchers:
    """What they have got so far."""

    def __init__(self) -> None:
        self.bytes = 0
        self.scrapes = 0
        self.pages: set[int] = set()
        """Which pages have been told something."""
        self.all_open = threading.Event()
        self.failure = ""


@contextmanager
def watching(admin: Address, cpus: Cpus) -> Iterator[Watchers]:
    """Watch from these CPUs while the block runs. Raises BenchError if that does not come about."""
    watchers, ending = Watchers(), threading.Event()
    threads = [threading.Thread(target=work, args=(admin, cpus, watchers, ending)) for work in (_read, _scrape)]
    for thread in threads:
        thread.start()
    try:
        if not watchers.all_open.wait(PATIENCE_SECONDS):
            raise BenchError(f"only {len(watchers.pages)} of {PAGES} pages were told anything")
        yield watchers
    finally:
        ending.set()
        for thread in threads:
            thread.join()
    if watchers.failure or not watchers.scrapes:
        raise BenchError(watchers.failure or "nothing was scraped")


def _read(admin: Address, cpus: Cpus, watchers: Watchers, ending: threading.Event) -> None:
    os.sched_setaffinity(0, cpus)  # of this thread alone (sched_setaffinity(2))
    with ExitStack() as open_pages, selectors.DefaultSelector() as selector:
        for number in range(PAGES):
            page = open_pages.enter_context(socket.create_connection((admin.host, admin.port), CONNECT_SECONDS))
            page.sendall(f"GET /stream HTTP/1.1\r\nHost: {admin}\r\n\r\n".encode())
            selector.register(page, selectors.EVENT_READ, number)
        while not ending.is_set():
            for key, _ in selector.select(timeout=0.1):
                _take(key, watchers)
                if watchers.failure:
                    return


def _take(key: selectors.SelectorKey, watchers: Watchers) -> None:
    received = len(key.fileobj.recv(READ_BYTES))  # type: ignore[union-attr]  # only sockets are registered
    watchers.bytes += received
    watchers.pages.add(key.data)
    if not received:
        watchers.failure = f"page {key.data} was closed"
    if len(watchers.pages) == PAGES:
        watchers.all_open.set()


def _scrape(admin: Address, cpus: Cpus, watchers: Watchers, ending: threading.Event) -> None:
    os.sched_setaffinity(0, cpus)
    connection = HTTPConnection(admin.host, admin.port, timeout=CONNECT_SECONDS)
    while not ending.wait(SCRAPE_SECONDS):
        try:
            connection.request("GET", "/metrics")
            connection.getresponse().read()
            watchers.scrapes += 1
        except (OSError, HTTPException) as error:
            watchers.failure = f"a scrape failed: {error}"
