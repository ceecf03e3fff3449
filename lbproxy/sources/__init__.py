"""Where the set of backends comes from. A source knows the model and nothing of tables or dataplanes.

`configured` gives services with references to their backends, a resolver for each kind of reference (`fixed`,
`kubernetes`, `dns`) turns those into endpoints, and `merger` publishes the complete set. A new kind is a reference, a
resolver (`base`), a line in `configured` and one in `runtime/resolvers.py`.
"""
