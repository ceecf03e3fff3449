"""TCP balanced by the kernel's IPVS: lbproxy keeps its table, and no byte passes through a process.

`planning` (pure) says what the kernel should hold and the steps to it, `kernel` speaks to it, `plan_executor` takes the
steps. `reconciler` brings the kernel to a snapshot once; `dataplane` does it again every second.
`preflight` judges beforehand whether that would work here; `kind` is what the program asks.
"""
