"""What the admin server needs of the running program: each need as a Protocol, with the program's implementation."""
