"""How bulk goes from one socket to another here: through a pipe where the kernel allows splice(2), else it is copied.

Seccomp profiles and other kernels (gVisor) refuse it, which must not be taken for a failure of a peer.
"""

import errno
import os
import socket

REFUSALS = frozenset({errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP})
"""What splice() says when the kernel does not do it for us; no peer can cause any of these."""
SIZE = 1


def splice_refusal() -> str:
    """Try splice(2) from a socket to a pipe and on: '' if it works, else why it can't be used, in the kernel's words.

    A kernel may still refuse it for TCP sockets; whoever uses it must be ready for REFUSALS.
    """
    if not hasattr(os, "splice"):  # a Python that was built without it
        return "this Python has no os.splice"
    descriptors: list[int] = []
    try:
        descriptors += os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        near, far = socket.socketpair()
        with near, far:
            far.send(bytes(SIZE))
            os.splice(near.fileno(), descriptors[1], SIZE, flags=os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK)
            os.splice(descriptors[0], near.fileno(), SIZE, flags=os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK)
    except OSError as error:
        return error.strerror or str(error)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
    return ""
