"""What relaying costs: lbproxy's userspace dataplane beside HAProxy, nginx and Envoy, sample by sample."""
