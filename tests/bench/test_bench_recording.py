from bench.recording import replaced

RELAY, KUBERNETES = "# Relay\n\n## Table\n\n| a |\n", "# Kubernetes\n\n| b |\n"


def test_part_is_written_in_place_of_the_last_one_with_its_title() -> None:
    both = replaced(replaced("", RELAY), KUBERNETES)
    assert both == f"{RELAY}\n{KUBERNETES}"
    assert replaced(both, "# Relay\n\nnew\n") == f"# Relay\n\nnew\n\n{KUBERNETES}"
    assert replaced(both, KUBERNETES) == both
