"""What following a large Kubernetes cluster costs: the first sync, then one endpoint's change after the other."""
