"""Benchmarks of lbproxy beside the load balancers people would otherwise use."""
