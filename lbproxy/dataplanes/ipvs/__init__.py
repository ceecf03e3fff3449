"""TCP balanced by the kernel's IPVS: lbproxy keeps its table, and no byte passes through a process.

Pure: `values`, `desired`, `plan`, `leaving`, `marks`, `limits`, `ledger`. The kernel's side: `kernel`, `netfilter` and
`addresses` speak to it, `sysctls` and `places` prepare the ground. `reconciler` makes the one like the other in passes,
and `dataplane` repeats them.
"""
