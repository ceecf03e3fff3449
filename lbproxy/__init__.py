"""A portable layer-4 load balancer: one backend table, two dataplanes."""

__version__ = "0.1.0"
