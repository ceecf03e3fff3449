"""One request, and its answer's body."""

from http.client import HTTPConnection

from bench.net import Address


def body(address: Address, path: str = "/") -> str:
    connection = HTTPConnection(address.host, address.port, timeout=5)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        return connection.getresponse().read().decode()
    finally:
        connection.close()
