"""The kernel over netlink(7): generic netlink, nf_tables and interface addresses. Serves any dataplane and doctor."""
