"""Sockets, limits and settings of the operating system, for every part that needs them."""
