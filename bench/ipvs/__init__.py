"""What our IPVS costs beside IPVS by hand, and IPVS beside other ways through a kernel; in a guest if need be."""
