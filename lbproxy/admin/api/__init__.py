"""What the admin server needs of the running program, and where it gets it."""
