"""Whether IPVS would work here, and how well: the kernel's answers, privileges and settings, each as findings."""
