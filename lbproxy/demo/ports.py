"""Ports that stay ours while nobody listens on them: so a backend comes back where it was."""

import socket

from lbproxy.model.address import Address

HOST = "127.0.0.1"


class Reservation:
    """A port of 127.0.0.1, bound but not listened on: connecting to it is refused, and nobody else is given it.

    Whoever listens on it must set SO_REUSEADDR (socket(7)), as servers do.
    """

    def __init__(self, preferred: int = 0) -> None:
        """Take the preferred port, or any free one if it is taken or 0."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((HOST, preferred))
        except OSError:
            self._socket.bind((HOST, 0))
        self.address = Address(*self._socket.getsockname())

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()
