"""The paper's experiments, and a few that it left out, in a lab of namespaces.

Takahashi, Aida, Tanjo, Sun: "A Portable Load Balancer for Kubernetes Cluster", HPC Asia 2018.
"""
