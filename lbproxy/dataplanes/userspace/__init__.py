"""TCP relayed by our own processes: no privilege and no kernel feature needed.

Main process: `dataplane`, `supervisor`, `listening`, `changes`, `reading`. Worker: `worker`, `engine`, `listener`,
`service`, `pool`, `scheduler`, `relay`, `pump`, `sweep`. Between them: `channel`, `wire`, `counters`.
"""
