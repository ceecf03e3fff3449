"""What IPVS should hold, and the steps to it. Pure: the kernel is read before and written after."""
