"""Asks the admin server, over TCP or its Unix socket; whatever goes wrong is one line."""

import http.client
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
"""Seconds to connect, and then for each piece of the answer."""
LARGEST = 256 * 1024 * 1024
"""Bytes of an answer; 10,000 backends take some 15 MB."""
LOOPBACK = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
OK = 200


@dataclass(frozen=True, slots=True)
class Client:
    """One lbproxy. A token is shown only where it is needed: over TCP, with an order."""

    address: AdminAddress
    token: str = ""

    def get(self, path: str, **query: str | None) -> Any:  # noqa: ANN401 - JSON; the callers know the shape
        """Give the JSON of an answer. Raises `AdminUnreachableError` or `AnswerError`."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._ask("GET", f"{path}?{urlencode(given)}" if given else path, None)

    def post(self, path: str, order: Mapping[str, object]) -> Any:  # noqa: ANN401 - as above
        """Give an order, and give the JSON of the answer. Raises as `get` does."""
        return self._ask("POST", path, json.dumps(order).encode())

    def _ask(self, method: str, path: str, body: bytes | None) -> Any:  # noqa: ANN401 - as above
        connection = _Connection(self.address)
        try:
            connection.request(method, path, body, self._headers(body))
            answer = connection.getresponse()
            text = answer.read(LARGEST)
        except (OSError, http.client.HTTPException) as error:
            raise AdminUnreachableError(f"no lbproxy answers at {self.address}: {_why(error)}; "
                                   "write where its --admin is with --admin") from None
        finally:
            connection.close()
        return _read(answer.status, text, self.address)

    def _headers(self, body: bytes | None) -> dict[str, str]:
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
            if self.token and isinstance(self.address, Address):
                headers["Authorization"] = f"Bearer {self.token}"
        return headers


class _Connection(http.client.HTTPConnection):
    def __init__(self, address: AdminAddress) -> None:
        reached = address if isinstance(address, UnixPath) else _reachable(address)
        host, port = ("localhost", None) if isinstance(reached, UnixPath) else reached
        super().__init__(host, port, timeout=TIMEOUT)
        self._address = reached

    def connect(self) -> None:
        """Connect to where the address says."""
        if isinstance(self._address, UnixPath):
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(TIMEOUT)
            self.sock.connect(self._address.path)
        else:
            super().connect()


def _reachable(address: Address) -> Address:
    """Where to reach a server that listens on all addresses of this machine."""
    is_everywhere = address.host == WILDCARDS[address.family]
    return Address(LOOPBACK[address.family], address.port) if is_everywhere else address


def _read(status: int, text: bytes, address: AdminAddress) -> Any:  # noqa: ANN401 - JSON
    if status != OK:
        line = escaped(cut(text.decode(errors="replace").strip().partition("\n")[0], 300))
        raise AnswerError(line or f"{address} answers {status}")
    try:
        return json.loads(text)
    except ValueError:
        raise AdminUnreachableError(f"what answers at {address} is no lbproxy; write where its --admin is") from None


def _why(error: OSError | http.client.HTTPException) -> str:
    if isinstance(error, TimeoutError):
        return f"nothing came within {TIMEOUT:g} s"
    return (error.strerror or str(error)).lower() if isinstance(error, OSError) else "it does not speak HTTP"
