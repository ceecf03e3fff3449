"""A network to measure in: client, balancer's node and workers with pods, each a namespace of this machine."""
