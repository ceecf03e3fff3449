"""A worker process: accepts, chooses a backend, relays bytes."""
