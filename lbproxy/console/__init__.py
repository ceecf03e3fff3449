"""What the commands status, top, explain and drain need: a client of the admin server, and what a terminal shows."""
