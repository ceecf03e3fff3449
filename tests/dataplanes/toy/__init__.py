"""A third dataplane, which carries nothing: all that one takes is such a package, and a place in a list."""
