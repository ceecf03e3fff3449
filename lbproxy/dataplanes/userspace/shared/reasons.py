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
    """Every backend was at its `max_conns`, and the queue at its limit."""
    QUEUE_TIMEOUT = 3
    """It waited in the queue for longer than `queue_timeout`."""
    DESCRIPTORS = 4
    """No file descriptor or kernel memory was left for the connection to the backend."""
    CLIENT_GONE = 5
    """The client itself gave up before a backend answered."""
    SHUTDOWN = 6
    """The worker ended while the client waited."""
    REMOVED = 7
    """The service was removed while the client waited."""
    WORKER_LOST = 8
    """The worker died while the client waited in its queue; counted by the main process."""


class Failed(Reason):
    """An attempt to connect to a backend failed. Those that are `OURS` say nothing about the backend."""

    REFUSED = 0
    """The backend's host answered with a reset: nothing listens there."""
    TIMEOUT = 1
    """No answer within `connect_timeout`."""
    UNREACHABLE = 2
    """The network has no way there."""
    RESET = 3
    """Accepted and then reset before any byte was relayed."""
    PORTS = 4
    """No local port is left towards this backend."""
    DENIED = 5
    """This host forbids us to connect there (EPERM, EACCES): seccomp, a security module, a cgroup's program."""
    OTHER = 6


OURS = frozenset({Failed.PORTS, Failed.DENIED})
"""What this host lacks or forbids: counted apart, and never a step towards ejection."""


class Closed(Reason):
    """A relayed connection ended."""

    FINISHED = 0
    """Both sides closed their direction: nothing was lost."""
    CLIENT_RESET = 1
    """The client reset it."""
    BACKEND_RESET = 2
    """The backend reset it after bytes had moved."""
    CLIENT_TIMEOUT = 3
    """The client's host no longer acknowledges (TCP keepalive)."""
    BACKEND_TIMEOUT = 4
    """The backend's host no longer acknowledges (TCP keepalive or TCP_USER_TIMEOUT)."""
    IDLE_TIMEOUT = 5
    """No byte moved for `idle_timeout`."""
    HALF_CLOSE_TIMEOUT = 6
    """One side had ended, and no byte moved for `half_close_timeout`."""
    DRAIN_TIMEOUT = 7
    """The backend was removed or drained and the deadline passed."""
    SHUTDOWN = 8
    """The worker ended before the connection did."""
    WORKER_LOST = 9
    """The worker died; counted by the main process."""


FINISHED = Closed.FINISHED
"""Most connections end so, and Python 3.11 takes 0.3 µs to look a member up in its class."""
