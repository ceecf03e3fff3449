"""What carries the connections. A dataplane knows the model and nothing of sources."""
