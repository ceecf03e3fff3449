"""Where the set of backends comes from. A source knows the model and nothing of tables or dataplanes."""
