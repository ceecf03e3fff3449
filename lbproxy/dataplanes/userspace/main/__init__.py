"""The main process of the userspace dataplane: listening sockets, supervision, messages to workers, counters."""
