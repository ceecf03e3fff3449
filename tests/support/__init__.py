"""What tests of several folders share: real programs, peers, clusters, namespaces."""
