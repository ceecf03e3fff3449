"""Sockets and system limits, as more than one part needs them."""
