"""TCP balanced by the kernel's IPVS: lbproxy keeps its table, and no byte passes through a process.

Pure: `values`, `desired`, `plan`, `leaving`, `marks`, `ledger`. The kernel's side: `kernel`, `netfilter` (the only
files that know pyroute2), `sysctls`, `places`. `reconciler` brings the one to the other, `dataplane` offers it.
"""
