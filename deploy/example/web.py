"""A web server that ends as a pod should: after SIGTERM it keeps serving until the balancers know of it."""
# ruff: noqa: INP001  a program in a ConfigMap, not a package

import signal
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LEAVING_SECONDS = 5.0
"""How long to keep serving after SIGTERM: its endpoint is removed at the same time, not before."""


class Pod(BaseHTTPRequestHandler):
    """Answers every GET with the pod's name."""

    timeout = 10.0

    def do_GET(self) -> None:
        """Answer with the name."""
        body = f"{socket.gethostname()}\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: the probes alone would fill the log."""


class Server(ThreadingHTTPServer):
    """Finishes the requests it has before it ends."""

    daemon_threads = False


def main(port: int) -> None:
    """Serve until SIGTERM and a little longer."""
    with Server(("", port), Pod) as server:
        signal.signal(signal.SIGTERM, lambda *_: threading.Timer(LEAVING_SECONDS, server.shutdown).start())
        server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
