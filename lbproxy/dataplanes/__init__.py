"""What carries the connections. A dataplane knows the model and nothing of sources, and nothing of other dataplanes.

`kind` says what the program asks of any before it runs, `catalog` what follows from the list of them, `selection` which
one runs. A further one is a package beside `ipvs` and `userspace`, and its place in `lbproxy/runtime/dataplanes.py`.
"""
