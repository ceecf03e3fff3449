"""How well relaying would work here: what a process needs of the machine, judged."""
