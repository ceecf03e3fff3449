"""What speaks to the kernel: IPVS, nf_tables, sysctls, reserved addresses."""
