"""The running program: wiring, choice of the dataplane, logs."""
