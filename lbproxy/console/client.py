"""A client of the admin server, over TCP or its Unix socket. Every failure is one line."""

import http.client  # aiohttp would take five times as long to import, which a user of a shell feels
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from lbproxy.console.errors import AdminUnreachableError, AnswerError
from lbproxy.model.address import WILDCARDS, Address
from lbproxy.net.unix_path import AdminAddress, UnixPath
from lbproxy.text.quoting import cut, escaped

TIMEOUT = 20.0
"""Seconds to connect, and then between two pieces of the answer."""
LARGEST = 256 * 1024 * 1024
"""Bytes of an answer that are read; 10,000 backends take some 15 MB."""
LOOPBACK = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
OK = 200
ADVICE = "give the address of its admin server with --admin"


@dataclass(frozen=True, slots=True)
class Client:
    """Asks one lbproxy. The token is sent only where it is needed: over TCP, with an order."""

    address: AdminAddress
    token: str = ""

    def get(self, path: str, **query: str | None) -> Any:  # noqa: ANN401 - JSON; the callers know the shape
        """Give the JSON of the answer to GET. Raises `AdminUnreachableError` or `AnswerError`."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._ask("GET", f"{path}?{urlencode(given)}" if given else path, None)

    def post(self, path: str, order: Mapping[str, object]) -> Any:  # noqa: ANN401 - as above
        """Give the JSON of the answer to an order. Raises `AdminUnreachableError` or `AnswerError`."""
        return self._ask("POST", path, json.dumps(order).encode())

    def _ask(self, method: str, path: str, body: bytes | None) -> Any:  # noqa: ANN401 - as above
        connection = _Connection(self.address)
        try:
            connection.request(method, path, body, self._headers(body))
            answer = connection.getresponse()
            # With a limit: any program may listen at that address.
            text = answer.read(LARGEST)
        except (OSError, http.client.HTTPException) as error:
            raise AdminUnreachableError(f"no lbproxy answers at {self.address}: {_why(error)}; {ADVICE}") from None
        finally:
            connection.close()
        return _read(answer.status, text, self.address)

    def _headers(self, body: bytes | None) -> dict[str, str]:
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
            # Over the Unix socket the file's mode decides, so the token would be shown for nothing.
            if self.token and isinstance(self.address, Address):
                headers["Authorization"] = f"Bearer {self.token}"
        return headers


class _Connection(http.client.HTTPConnection):
    def __init__(self, address: AdminAddress) -> None:
        reached = address if isinstance(address, UnixPath) else _reachable(address)
        # For a Unix socket the host is only what the Host header says.
        host, port = ("localhost", None) if isinstance(reached, UnixPath) else reached
        super().__init__(host, port, timeout=TIMEOUT)
        self._address = reached

    def connect(self) -> None:
        """Connect to the Unix socket, or as usual."""
        if isinstance(self._address, UnixPath):
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(TIMEOUT)
            self.sock.connect(self._address.path)
        else:
            super().connect()


def _reachable(address: Address) -> Address:
    """Give loopback for a server that listens on all addresses of this machine."""
    is_everywhere = address.host == WILDCARDS[address.family]
    return Address(LOOPBACK[address.family], address.port) if is_everywhere else address


def _read(status: int, text: bytes, address: AdminAddress) -> Any:  # noqa: ANN401 - JSON
    if status != OK:
        # Escaped: what answers may not be an lbproxy, and must not give orders to the terminal.
        line = escaped(cut(text.decode(errors="replace").strip().partition("\n")[0], 300))
        raise AnswerError(line or f"{address} answers {status}")
    try:
        return json.loads(text)
    except ValueError:
        raise AdminUnreachableError(f"the server at {address} is not an lbproxy; {ADVICE}") from None


def _why(error: OSError | http.client.HTTPException) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT:g} s"
    return (error.strerror or str(error)).lower() if isinstance(error, OSError) else "its answer is not HTTP"
