"""Why a connection was refused, failed or ended. Each reason is a counter; nothing ends without one."""

import enum


class Reason(enum.IntEnum):
    """Base of the reasons: the value is a counter's place, the name in lower case its label."""

    @property
    def label(self) -> str:
        """The value of the metric's `reason` label."""
        return self.name.lower()


class Rejected(Reason):
    """The client got no backend. Its connection was reset."""

    NO_BACKEND = 0
    """No backend of the service takes new connections."""
    CONNECT_FAILED = 1
    """Every allowed attempt to connect to a backend failed."""
    QUEUE_FULL = 2
    QUEUE_TIMEOUT = 3
    DESCRIPTORS = 4
    """No file descriptor or kernel memory was left for the connection to the backend."""
    CLIENT_GONE = 5
    """The client itself gave up before a backend answered."""
    SHUTDOWN = 6
    REMOVED = 7
    """The service was removed while the client waited."""
    WORKER_LOST = 8


class Failed(Reason):
    """An attempt to connect to a backend failed."""

    REFUSED = 0
    TIMEOUT = 1
    UNREACHABLE = 2
    RESET = 3
    """Accepted and then reset before any byte was relayed."""
    PORTS = 4
    """No local port is left towards this backend."""
    OTHER = 5


class Closed(Reason):
    """A relayed connection ended."""

    FINISHED = 0
    """Both sides closed their direction: nothing was lost."""
    CLIENT_RESET = 1
    BACKEND_RESET = 2
    CLIENT_TIMEOUT = 3
    """The client's host no longer acknowledges (TCP keepalive)."""
    BACKEND_TIMEOUT = 4
    """The backend's host no longer acknowledges (TCP keepalive or TCP_USER_TIMEOUT)."""
    IDLE_TIMEOUT = 5
    HALF_CLOSE_TIMEOUT = 6
    DRAIN_TIMEOUT = 7
    """The backend was removed or drained and the deadline passed."""
    SHUTDOWN = 8
    WORKER_LOST = 9
