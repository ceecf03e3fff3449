"""What IPVS should hold, and the steps to it. Pure."""
