"""Why an address can't be bound, and what to do about it: the same words for every dataplane."""

import errno

HINTS = {
    errno.EADDRINUSE: "it is in use; stop its holder or write another port",
    errno.EADDRNOTAVAIL: "this machine has no such address; write one of its own, or 0.0.0.0 or [::] for all",
    errno.EACCES: "a port below 1024 needs the net.ipv4.ip_unprivileged_port_start sysctl or the NET_BIND_SERVICE "
              "capability; write a higher port",
    errno.EAFNOSUPPORT: "this machine has no IPv6; write an IPv4 address",
}


def explain(error: OSError) -> str:
    """Give the advice for an error of bind() or listen(), or its own text."""
    return HINTS.get(error.errno or 0, error.strerror or str(error))
