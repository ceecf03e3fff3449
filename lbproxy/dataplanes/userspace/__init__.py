"""TCP relayed by our own processes: no privilege and no kernel feature needed.

`main` runs in the main process: listening sockets, supervision, messages to workers, counters read. `worker` runs in
each worker process: it accepts, chooses a backend and relays; how is described there. `shared` is what both agree on.
"""
