"""The commands that ask and steer a running lbproxy: a client of its admin server, and what it shows in a terminal."""
