"""Backends by DNS name: asked again as their records expire. An error or an empty answer takes no backend away."""
