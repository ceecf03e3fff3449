"""Requests to an API server, and lists and watches that survive its failures."""
