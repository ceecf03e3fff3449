"""The kernel over netlink(7): generic netlink, nf_tables and interface addresses. For any dataplane, and for doctor.

`attributes`, `message` and `channel` serve every protocol; `nftables` and `expressions` write rules, `addresses` reads
interfaces.
"""
