"""What the kernel refuses over netlink."""

from lbproxy.model.errors import DataplaneError


class KernelError(DataplaneError):
    """The kernel has refused a request, or did not answer. The text says what was tried, and why it failed.

    `errno` is a positive number of `errno`: EPERM (no NET_ADMIN, or not in the node's own user namespace), ENOENT (an
    unknown scheduler; no such destination; this kernel has no IPVS), ESRCH (no such service), EEXIST, ENOBUFS,
    ETIMEDOUT (no answer), and others.
    """

    def __init__(self, text: str, errno: int) -> None:
        super().__init__(text)
        self.errno = errno
